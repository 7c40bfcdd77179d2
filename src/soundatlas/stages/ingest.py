"""Stage `ingest`: what lies where, before the pipeline starts? Cheap, and run at every `dvc repro`.

The user's files and the versions of what a source is made of are outside of DVC; this writes what DVC can hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.files import remove_leftovers, write_json
from soundatlas.sources import demo
from soundatlas.sources.deny_list import EXPORT, read_deny_list
from soundatlas.sources.inbox import list_folder
from soundatlas.stages._run import run_stage
from soundatlas.tables import INBOX, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Write each source's fingerprint, the inbox's listing and the deny-list to `data/ingest/`, where they changed."""
    if (root / "data").is_dir():
        remove_leftovers(root / "data")  # of a killed run; DVC lets only one run at a time come here
    folder, denied = root / "data/ingest", read_deny_list(root)
    write_json(root / EXPORT, denied.export())
    write_json(folder / "sources.json", {source.source: demo.fingerprint(source) for source in params.catalog.sources})
    listing = list_folder(
        (root / params.classify.inbox).resolve(),
        root.resolve(),
        max_file_megabytes=params.ingest.max_file_megabytes,
        known=folder / "known-files.json",
    )
    left_out = denied.denies(listing)
    listing = listing[~left_out].reset_index(drop=True)
    path = folder / "inbox.parquet"
    if not (path.is_file() and pd.read_parquet(path).astype(INBOX).equals(listing)):
        write_table(listing, path)
    told = f"; {left_out.sum()} on the deny-list left out" if left_out.any() else ""
    print(f"ingest: {len(listing)} files in {params.classify.inbox}{told}")  # noqa: T201 - the stage's report


if __name__ == "__main__":
    run_stage(run)
