"""`soundatlas models`: all versions of the model side by side."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.files import project_root
from soundatlas.params import load_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundatlas.registry.comparison import VersionRow


def print_models(*, as_json: bool) -> None:
    """Print the versions, the newest first, as a table or as JSON; parameters only where they differ."""
    from soundatlas.registry.comparison import compare_versions, differing_params
    from soundatlas.registry.database import has_registry
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.tracking import Tracking

    root = project_root()
    name = load_params(root / "params.yaml").promote.model_name
    rows = compare_versions(ModelRegistry(Tracking(root), name)) if has_registry(root) else []
    if as_json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
    elif not rows:
        print("no version yet: `dvc repro` trains a model and registers it")  # noqa: T201 - likewise
    else:
        wide_console().print(model_table(rows, differing_params(rows), name))


def model_table(rows: Sequence[VersionRow], differing: Sequence[str], name: str) -> Table:
    """Return the versions for a terminal: a column each, so that what differs stands side by side."""
    table = Table(title=escape(printable(name)), title_justify="left", show_lines=False)
    table.add_column("")
    for row in rows:
        table.add_column(f"version {escape(row.version)}", overflow="fold")
    for label, cells in comparison_lines(rows, differing):
        table.add_row(escape(printable(label)), *(escape(printable(cell)) for cell in cells))
    return table


def comparison_lines(rows: Sequence[VersionRow], differing: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return what is compared, a line each: its name, and the cell of each version."""
    heads = sorted({head for row in rows for head in row.scores})
    lines = [
        ("", ["champion" if row.is_champion else "" for row in rows]),
        ("content", [(row.content_sha256 or "unknown")[:12] for row in rows]),
    ]
    lines += [(f"macro F1, {head}", [_f1(row, head) for row in rows]) for head in heads]
    lines += [(f"ECE, {head}", [_figure(row.scores.get(head, {}).get("ece")) for row in rows]) for head in heads]
    lines += [
        ("ms per clip", [_figure(row.milliseconds) for row in rows]),
        ("megabytes", [_figure(row.megabytes) for row in rows]),
        ("data", [row.data_sha256 or "" for row in rows]),
        ("gate", [row.decision or "not judged" for row in rows]),
        ("because", [row.reason or "" for row in rows]),
        ("champion since", [row.champion_since or "" for row in rows]),
        ("because", [row.champion_because or "" for row in rows]),
    ]
    lines += [(name, [row.params.get(name, "") for row in rows]) for name in differing]
    return lines


def _f1(row: VersionRow, head: str) -> str:
    from soundatlas.registry.comparison import interval_text

    return interval_text(row.scores[head]) if head in row.scores else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
