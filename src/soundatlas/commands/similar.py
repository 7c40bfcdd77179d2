"""`soundatlas similar`: what sounds like an artist, a genre or a track."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from soundatlas.atlas.similar import ARTIST, FILE, GENRE, SIMILAR, SIMILAR_NAME, TRACK
from soundatlas.commands.map_model import warn_of_another_champion
from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, UsageError
from soundatlas.files import project_root
from soundatlas.lineage.names import folded
from soundatlas.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

ORDER = ((ARTIST,), (GENRE,), (TRACK, FILE))  # of what is meant, when several kinds of things have a name
MOST_NAMED = 5  # when several things are meant, or none
SUGGESTED_FROM = 0.6  # likeness of spellings, by difflib's ratio


def print_similar(name: str, *, kinds: Sequence[str], most: int | None, as_json: bool) -> None:
    """Print the nearest of what is called `name`, as the map shows them.

    Args:
        name: of an artist, a genre or a track, or a track_id; case and diacritics do not matter, and some of the
            words suffice where they name one thing.
        kinds: of what may be meant, out of `atlas.similar.KINDS`; all when empty.
        most: neighbours to print; by default all that the map has.
        as_json: print everything as JSON.

    Raises:
        NotReadyError: when there is no map.
        UsageError: when nothing or more than one thing is meant, or the map has fewer neighbours.
    """
    table = _read(root := project_root())
    warn_of_another_champion(root)
    row = find(table, name, kinds)
    found = neighbours_of(table, row)
    kind = next(group for group in ORDER if table.loc[row, "kind"] in group)
    others = int(table["kind"].isin(kind).sum()) - 1
    if most is not None and len(found) < min(most, others):
        raise UsageError(
            f"the map holds {len(found)} neighbours of it: for more, raise atlas.neighbours in params.yaml"
        )
    found = found[:most]
    about = {column: str(table.loc[row, column]) for column in ("kind", "id", "name")}
    if as_json:
        print(json.dumps({**about, "neighbours": found}, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    wide_console().print(similar_table(about, found))


def _read(root: Path) -> pd.DataFrame:
    path = root / "data/atlas" / SIMILAR_NAME
    if not path.is_file():
        raise NotReadyError("there is no map yet: `dvc repro` draws one of the champion")
    return read_table(path, SIMILAR)


def find(table: pd.DataFrame, name: str, kinds: Sequence[str] = ()) -> int:
    """Return the row of `atlas.similar.SIMILAR` that is meant.

    Raises:
        UsageError: when nothing is, with names that are spelled alike; or several things of one kind are.
    """
    allowed = table[table["kind"].isin(kinds)] if kinds else table
    by_id = allowed.index[(allowed["id"] == name) & allowed["kind"].isin(ORDER[-1])]
    if len(by_id) == 1:
        return int(by_id[0])
    wanted = folded(name)
    spellings = {row: {folded(text) for text in texts} for row, texts in _spellings(allowed).items()}
    exact = [row for row, texts in spellings.items() if wanted in texts]
    words = set(wanted.split())
    partial = [row for row, texts in spellings.items() if words and any(words <= set(t.split()) for t in texts)]
    for meant in (exact, partial):
        for group in ORDER:
            rows = [row for row in meant if allowed.loc[row, "kind"] in group]
            if len(rows) == 1:
                return rows[0]
            if rows:
                raise UsageError(_several(allowed, name, rows))
    if kinds and (others := sorted({str(table.loc[row, "kind"]) for row in _called(table, wanted)})):
        here = f"of that name there is the {' and the '.join(others)}"
        raise UsageError(printable(f"no {' or '.join(kinds)} on the map is called {name!r}: {here}"))
    raise UsageError(_unknown(allowed, name, wanted))


def _called(table: pd.DataFrame, wanted: str) -> list[int]:
    """Return the rows that have a name, but for its spelling."""
    return [row for row, texts in _spellings(table).items() if wanted in map(folded, texts)]


def _spellings(table: pd.DataFrame) -> dict[int, list[str]]:
    """Return by which names each row is known: of a track, its title, and artist with title."""
    pairs = zip(table.index, table["name"], table["title"], strict=True)
    return {int(row): [str(name), *([title] if isinstance(title, str) else [])] for row, name, title in pairs}


def _several(table: pd.DataFrame, name: str, rows: list[int]) -> str:
    shown = "; ".join(f"{table.loc[row, 'id']!s} ({table.loc[row, 'name']!s})" for row in rows[:MOST_NAMED])
    more = f"; and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return printable(f"{name!r} names {len(rows)} things: say which by its id: {shown}{more}")


def _unknown(table: pd.DataFrame, name: str, wanted: str) -> str:
    """Say that nothing has the name, and what is spelled alike, as a whole or in one of its words."""
    names: dict[str, str] = {}
    for texts in _spellings(table).values():
        for spelling in (folded(texts[-1]), *folded(texts[-1]).split()):
            names.setdefault(spelling, texts[0])
    close = difflib.get_close_matches(wanted, [*names], n=MOST_NAMED, cutoff=SUGGESTED_FROM)
    alike = list(dict.fromkeys(names[spelling] for spelling in close))
    hint = f": did you mean {', or '.join(alike)}?" if alike else ", and nothing is spelled like it"
    return printable(f"nothing on the map is called {name!r}{hint}")


def neighbours_of(table: pd.DataFrame, row: int) -> list[dict[str, Any]]:
    """Return the neighbours of a row, the nearest first: kind, id, name, similarity and reason."""
    columns = ("neighbours", "similarities", "reasons")
    return [
        {
            **{column: table.loc[int(other), column] for column in ("kind", "id", "name")},
            "similarity": float(similarity),
            "reason": str(reason),
        }
        for other, similarity, reason in zip(*(table.loc[row, column] for column in columns), strict=True)
    ]


def similar_table(about: dict[str, Any], found: list[dict[str, Any]]) -> Table:
    """Return the neighbours for a terminal."""
    shown = Table(title=escape(printable(f"{about['kind']} {about['name']}: nearest by sound")), title_justify="left")
    for column in ("similarity", str(about["kind"]) if about["kind"] in {ARTIST, GENRE} else TRACK, "why"):
        shown.add_column(column, overflow="fold")
    for row in found:
        shown.add_row(f"{row['similarity']:.2f}", escape(printable(row["name"])), escape(printable(row["reason"])))
    return shown
