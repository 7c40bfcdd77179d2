"""Stage `ingest`: what lies where, before the pipeline starts? Cheap, and run at every `dvc repro`.

The user's files and the versions of what a source is made of are outside of DVC; this writes what DVC can hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.files import remove_leftovers, write_json
from soundatlas.sources import demo
from soundatlas.sources.inbox import list_folder
from soundatlas.stages._run import run_stage
from soundatlas.tables import INBOX, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Write each source's fingerprint and the inbox's listing to `data/ingest/`, where they changed."""
    if (root / "data").is_dir():
        remove_leftovers(root / "data")  # of a killed run; DVC lets only one run at a time come here
    folder = root / "data/ingest"
    write_json(folder / "sources.json", {source.source: demo.fingerprint(source) for source in params.catalog.sources})
    listing = list_folder(
        (root / params.classify.inbox).resolve(),
        root.resolve(),
        max_file_megabytes=params.ingest.max_file_megabytes,
        known=folder / "known-files.json",
    )
    path = folder / "inbox.parquet"
    if not (path.is_file() and pd.read_parquet(path).astype(INBOX).equals(listing)):
        write_table(listing, path)
    print(f"ingest: {len(listing)} files in {params.classify.inbox}")  # noqa: T201 - the stage's report


if __name__ == "__main__":
    run_stage(run)
