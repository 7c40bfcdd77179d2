"""Finding audio by a part of its name or of its hash."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, cast

from soundatlas.errors import UsageError
from soundatlas.tables import track_title

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 5  # when there are several
PREFIX = re.compile("[0-9a-f]{6,63}")  # of a SHA-256
UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})  # noqa: RUF001 - that is the point


def sha_by_part(what: str, tracks: pd.DataFrame, listing: pd.DataFrame) -> str | None:
    """Return the SHA-256 of the only audio that has this part; None where there is none.

    Args:
        what: the beginning of a SHA-256, or a part of artist and title.
        tracks: rows of `tables.TRACKS`.
        listing: rows of `tables.INBOX` with artist and title; a file is found by its path, and by these if it has them.

    Raises:
        UsageError: when several have it; the message names some.
    """
    named = {
        **{str(row["audio_sha256"]): _file_name(row) for row in _hashed(listing)},
        **{str(row["audio_sha256"]): f"{row['track_id']} ({track_title(row)})" for row in _hashed(tracks)},
    }
    if PREFIX.fullmatch(what) and (found := {sha: name for sha, name in named.items() if sha.startswith(what)}):
        return _only(what, found)
    wanted = folded(what)
    if not wanted:
        return None
    titled = [*_hashed(listing), *_hashed(tracks)]
    exact = {str(row["audio_sha256"]) for row in titled if folded(_text(row["title"])) == wanted}
    part = {sha for sha, name in named.items() if wanted in folded(name)}
    found = {sha: named[sha] for sha in named if sha in (exact or part)}
    return _only(what, found) if found else None


def _hashed(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows that have audio."""
    return cast("list[dict[str, Any]]", table[table["audio_sha256"].notna()].to_dict("records"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _file_name(file: dict[str, Any]) -> str:
    path, name = str(file["path"]), track_title(file)
    return path if name == path else f"{path} ({name})"


def _only(what: str, found: dict[str, str]) -> str:
    if len(found) == 1:
        return next(iter(found))
    shown = "; ".join([*found.values()][:MOST_NAMED])
    more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    text = f"{what!r} is a part of {len(found)} names: say which by its track_id: {shown}{more}"
    raise UsageError("".join(character if character.isprintable() else "?" for character in text))


def folded(text: str) -> str:
    """Return a text without case, diacritics and punctuation, to compare spellings."""
    bare = unicodedata.normalize("NFKD", text.casefold().translate(UNDECOMPOSED))
    return " ".join(
        re.findall(r"\w+", "".join(character for character in bare if not unicodedata.combining(character)))
    )
