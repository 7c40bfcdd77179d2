"""Listings on disk: one folder per configured source below `data/ingest/sources/`, written whole or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import SoundatlasError
from soundatlas.files import (
    expand_home,
    read_json,
    remove_leftovers,
    replacing_folder,
    restore_replaced,
    sha256_file,
    sha256_json,
    write_json,
)
from soundatlas.sources.audio_store import FOLDER as AUDIO
from soundatlas.sources.base import Listing
from soundatlas.sources.inbox import shown_path
from soundatlas.tables import FAILURES, LABELS, TRACKS, conform, write_table

if TYPE_CHECKING:
    from soundatlas.source_params import SourceParams

SOURCES, INBOX = "data/ingest/sources", "data/ingest/inbox"  # of the catalogue; of what `--inbox` brought
MEMORY = "data/ingest/memory"
REPORT = "report.json"
AT_WORK_SECONDS = 3600.0  # nothing of these folders takes as long to write


def source_key(config: SourceParams, root: Path) -> str:
    """Return what a configured source's folder is called: its name, and a hash of what was asked of it.

    A folder's path is taken as where it leads, relative to the project inside of it, so that other spellings of it
    and a project that was moved keep their listing.
    """
    asked = config.model_dump(mode="json")
    if "path" in asked:
        asked["path"] = shown_path(user_path(asked["path"], root), root)
    return f"{config.source}-{sha256_json(asked)[:8]}"


def user_path(path: str, root: Path) -> Path:
    """Return where a path that the user wrote leads: `~` is their home, a relative one begins at the project."""
    return (root / expand_home(Path(path))).resolve()


def tidy_listings(root: Path) -> None:
    """Put back a listing that a killed run was replacing, and remove what such runs left beside listings and audio.

    Other sources may be asked at the same time: what was written within the last hour stays.
    """
    for folder in (SOURCES, INBOX, AUDIO):
        restore_replaced(root / folder)
        remove_leftovers(root / folder, untouched_seconds=AT_WORK_SECONDS)


def write_listing(folder: Path, listing: Listing, about: dict[str, Any]) -> None:
    """Write a listing, whole or not at all.

    Args:
        folder: `data/ingest/sources/<key>`.
        listing: of a source.
        about: what else the report is to hold, such as the source's configuration.
    """
    tables = {
        "tracks": conform(listing.tracks, TRACKS, extra=True).sort_values("track_id"),
        "labels": conform(listing.labels, LABELS).sort_values(["track_id", "label", "provenance"]),
        "failures": conform(listing.failures, FAILURES).sort_values(["path", "reason"]),
    }
    with replacing_folder(folder) as beside:
        for name, table in tables.items():
            write_table(table.reset_index(drop=True), beside / f"{name}.parquet")
        report = {
            "capabilities": listing.capabilities,
            "counts": listing.counts,
            "notes": listing.notes,
            "resume_after": listing.resume_after and listing.resume_after.isoformat(),
        }
        write_json(beside / REPORT, {**about, **report})


def read_listing(folder: Path) -> Listing | None:
    """Read a listing; None where there is none.

    Raises:
        SoundatlasError: when it is damaged.
    """
    if not (folder / REPORT).is_file():
        return None
    try:
        tracks, labels, failures = (
            pd.read_parquet(folder / f"{name}.parquet") for name in ("tracks", "labels", "failures")
        )
        report = read_json(folder / REPORT)
        moment = report["resume_after"]
        return Listing(
            tracks=conform(tracks, TRACKS, extra=True),
            labels=conform(labels, LABELS),
            failures=conform(failures, FAILURES),
            capabilities=report["capabilities"],
            counts=report["counts"],
            notes=report["notes"],
            resume_after=None if moment is None else dt.datetime.fromisoformat(moment),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SoundatlasError(f"{folder} is damaged: delete it and run `soundatlas ingest` ({error})") from error


def content_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of a listing's tables, which is what the catalogue depends on."""
    return {path.stem: sha256_file(path) for path in sorted(folder.glob("*.parquet"))}
