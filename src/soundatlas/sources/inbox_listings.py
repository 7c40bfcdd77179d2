"""What `soundatlas ingest … --inbox` brought: listed beside the inbox's own files, copied nowhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter

from soundatlas.errors import NotReadyError
from soundatlas.files import read_json, registry_root
from soundatlas.source_params import SourceParams
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.listing_files import INBOX as FOLDER
from soundatlas.sources.listing_files import REPORT, read_listing
from soundatlas.sources.lookup import find_source
from soundatlas.tables import INBOX, conform

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import IngestParams

NO_AUDIO = "its source has no audio of it: there is nothing to classify"


def brought_sources(root: Path) -> dict[str, SourceParams]:
    """Return key -> configuration of what was brought into the inbox; what a killed run left is none of it."""
    reports = sorted((registry_root(root) / FOLDER).glob(f"[!.]*/{REPORT}"))
    configs = TypeAdapter[SourceParams](SourceParams)
    return {path.parent.name: configs.validate_python(read_json(path)["config"]) for path in reports}


def list_brought(root: Path, limits: IngestParams) -> pd.DataFrame:
    """List what was brought into the inbox, as `tables.INBOX`; local folders are listed anew.

    A track without audio is a row with the reason "no_preview": there is nothing of it to classify. A folder
    that is not there at the moment keeps its last listing: its files turn out to be unreadable.
    """
    rows: list[dict[str, Any]] = []
    for key, config in brought_sources(root).items():
        if find_source(config.source).OFFER.listed_by_stage:
            try:
                ingest_source(root, config, limits, os.environ, folder=FOLDER)
            except NotReadyError as error:
                print(f"ingest: {error}")  # noqa: T201 - the stage's report
        listing = read_listing(registry_root(root) / FOLDER / key)
        if listing is not None:
            heard = listing.tracks[listing.tracks["path"].notna()]
            rows += [
                {"path": path, "size_bytes": _size(root, path), "audio_sha256": sha}
                for path, sha in zip(heard["path"], heard["audio_sha256"], strict=True)
            ]
            rows += [
                {"path": track_id, "size_bytes": 0, "reason": "no_preview", "message": NO_AUDIO}
                for track_id in listing.tracks.loc[listing.tracks["path"].isna(), "track_id"]
            ]
            rows += [
                {"path": row["path"], "size_bytes": 0, "reason": row["reason"], "message": row["message"]}
                for row in listing.failures.to_dict("records")
            ]
    return conform(pd.DataFrame(rows, columns=[*INBOX]).sort_values("path"), INBOX)


def _size(root: Path, path: str) -> int:
    try:
        return (registry_root(root) / path).stat().st_size
    except OSError:
        return 0
