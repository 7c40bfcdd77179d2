"""Stage `ingest`: what lies where, before the pipeline starts? Cheap, and run at every `dvc repro`.

The user's files and the versions of what a source is made of are outside of DVC; this writes what DVC can hash. It asks
no network: what comes from one was brought by `soundatlas ingest`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import NotReadyError
from soundatlas.files import registry_root, remove_leftovers, write_json
from soundatlas.source_params import DemoSourceParams
from soundatlas.sources import demo
from soundatlas.sources.deny_list import EXPORT, read_deny_list
from soundatlas.sources.inbox import list_folder
from soundatlas.sources.inbox_listings import list_brought
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.listing_files import REPORT, SOURCES, content_of, source_key, tidy_listings
from soundatlas.sources.lookup import find_source
from soundatlas.stages._run import run_stage
from soundatlas.tables import INBOX, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.source_params import SourceParams


def run(root: Path, params: Params) -> None:
    """Write each source's fingerprint, the inbox's listing and the deny-list to `data/ingest/`, where they changed.

    Raises:
        NotReadyError: when a source that is not listed here was never ingested, or a folder is not there.
    """
    if (root / "data").is_dir():
        remove_leftovers(root / "data")  # of a killed run: another that trains lets this one come so far
    tidy_listings(registry_root(root))
    folder, denied = root / "data/ingest", read_deny_list(root)
    write_json(root / EXPORT, denied.export())
    write_json(folder / "sources.json", dict(_fingerprint(root, params, source) for source in params.catalog.sources))
    inbox = (root / params.classify.inbox).resolve()
    if not inbox.exists() and not inbox.is_relative_to(root.resolve()):  # the project's own may be absent: it is empty
        raise NotReadyError(
            f"classify.inbox names {params.classify.inbox}, which is not there: mount its disk, or mend the path"
        )
    own = list_folder(
        inbox,
        root.resolve(),
        max_file_megabytes=params.ingest.max_file_megabytes,
        known=folder / "known-files.json",
    )
    listing = pd.concat([own, list_brought(root, params.ingest)], ignore_index=True).drop_duplicates("path")
    left_out = denied.denies(listing)
    listing = listing[~left_out].reset_index(drop=True)
    path = folder / "inbox.parquet"
    if not (path.is_file() and pd.read_parquet(path).astype(INBOX).equals(listing)):
        write_table(listing, path)
    told = f"; {left_out.sum()} on the deny-list left out" if left_out.any() else ""
    lying = int(listing["path"].isin(own["path"]).sum())
    brought = f", {len(listing) - lying} more by `ingest --inbox`" if len(listing) > lying else ""
    print(f"ingest: {lying} files in {params.classify.inbox}{brought}{told}")  # noqa: T201 - the stage's report


def _fingerprint(root: Path, params: Params, source: SourceParams) -> tuple[str, dict[str, Any]]:
    """Return what the catalogue depends on in a source, under the source's name; a local one is listed anew."""
    if isinstance(source, DemoSourceParams):
        return source.source, demo.fingerprint(source)
    key = source_key(source, registry_root(root).resolve())
    place = registry_root(root) / SOURCES / key
    if find_source(source.source).OFFER.listed_by_stage:
        ingested = ingest_source(root, source, params.ingest, os.environ)
        print(  # noqa: T201 - the stage's report
            f"ingest: {len(ingested.listing.tracks)} tracks in {source.source} "
            f"{getattr(source, 'path', '')}, {len(ingested.listing.failures)} failed"
        )
    elif not (place / REPORT).is_file():
        raise NotReadyError(
            f"catalog.sources lists {source.source}, which was never ingested: run `soundatlas ingest {source.source}`"
        )
    return key, content_of(place)


if __name__ == "__main__":
    run_stage(run)
