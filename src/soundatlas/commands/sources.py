"""`soundatlas sources`: what can be ingested, under which terms, and what is missing for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.sources.listing_files import user_path
from soundatlas.sources.lookup import MODULES, find_source

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.source_params import SourceParams


def print_sources() -> None:
    """Print a row per source, or per configured one where `params.yaml` lists several of a kind."""
    root = project_root()
    listed = load_params(root / "params.yaml").catalog.sources
    table = Table(title="Sources", title_justify="left", show_lines=True)
    for column in ("source", "gives", "licence", "ml_use", "needs", "listed", "ready, or what is missing"):
        table.add_column(column, overflow="fold")
    for name in MODULES:
        source = find_source(name)
        offer = source.OFFER
        mine: list[SourceParams | None] = [one for one in listed if one.source == name]
        for config in mine or [None]:
            ready = source.readiness(_placed(config, root), os.environ)
            cells = (
                f"{name} {getattr(config, 'path', '')}\n{offer.about}",
                ", ".join(offer.gives),
                offer.licence,
                offer.ml_use,
                ", ".join(offer.needs) or "nothing",
                "yes" if config else "no",
                "ready" if ready.ready else ready.message,
            )
            table.add_row(*(escape("\n".join(map(printable, cell.split("\n")))) for cell in cells))
    console = wide_console()
    console.print(table)
    console.print("listed: in catalog.sources of params.yaml. `soundatlas ingest` brings in what is listed.")


def _placed(config: SourceParams | None, root: Path) -> SourceParams | None:
    """Return a source with its path as a whole one, wherever in the project the command is called."""
    if config is None or (path := getattr(config, "path", None)) is None:
        return config
    return config.model_copy(update={"path": str(user_path(path, root))})
