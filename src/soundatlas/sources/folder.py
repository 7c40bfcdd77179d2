"""A folder of one's own music: tags, an optional `tracks.csv`, and what is wrong with which file. Only read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError
from soundatlas.files import expand_home, sha256_json
from soundatlas.progress import progress
from soundatlas.source_params import FolderSourceParams, folder_name
from soundatlas.sources.base import Listing, Offer, Ready
from soundatlas.sources.inbox import list_known_files, shown_path
from soundatlas.sources.inspection import inspect_files
from soundatlas.sources.listing_files import user_path
from soundatlas.sources.music_folder import walk_music
from soundatlas.sources.rows import Row, build_listing, failure
from soundatlas.sources.track_table import read_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.sources.base import IngestContext
    from soundatlas.sources.inspection import Inspected
    from soundatlas.sources.track_table import Overrides

SOURCE = "folder"
UNKNOWN_LICENCE = "unknown"
FROM_TABLE = "tracks.csv"

OFFER = Offer(
    name=SOURCE,
    about="a folder of your own music, with its tags and an optional tracks.csv",
    gives=("audio", "artist", "album", "title", "genre", "year", "isrc", "any column of tracks.csv"),
    licence="yours",
    ml_use="unknown",
    needs=("a folder",),
    listed_by_stage=True,
)


def readiness(config: FolderSourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether the folder is there."""
    del environ
    if config is None:
        return Ready(ready=True)
    folder = expand_home(Path(config.path))
    return Ready(folder.is_dir(), "" if folder.is_dir() else f"there is no folder {config.path}")


def ingest(config: FolderSourceParams, context: IngestContext) -> Listing:
    """List the folder: every file below it becomes a row, or a failure with its reason.

    Raises:
        NotReadyError: when the folder is not there, or holds the project itself.
    """
    root = context.root.resolve()
    folder = user_path(config.path, root)
    if not folder.is_dir():
        raise NotReadyError(f"there is no folder {config.path}: mount or name it in catalog.sources of params.yaml")
    if root.is_relative_to(folder):
        raise NotReadyError(f"the folder {config.path} holds this project itself: name one below or beside it")
    walked = walk_music(folder)
    known = context.memory / f"known-files-{sha256_json(str(folder))[:8]}.json"
    with progress(f"listing {folder_name(config)}", len(walked.files)) as advance:
        files = list_known_files(
            walked.files, root, max_file_megabytes=context.limits.max_file_megabytes, known=known, advance=advance
        )
    files = files[~context.denied.denies(files)]
    sound = files[files["reason"].isna()]
    places = {shown_path(path, root): path for path in walked.files}
    inspected = inspect_files(
        {sha: places[path] for sha, path in zip(sound["audio_sha256"], sound["path"], strict=True)},
        context.limits,
        context.memory / "inspected.parquet",
    )
    overrides = read_overrides(walked, folder, {table: shown_path(table, root) for table in walked.tables})
    usable = sound[[inspected[sha].failure is None for sha in sound["audio_sha256"]]]
    rows = [
        _row(config, folder, places[file["path"]], file, inspected[file["audio_sha256"]], overrides)
        for file in usable.to_dict("records")
    ]
    failures = [failure(shown_path(path, root), *why) for path, why in walked.refused.items()]
    failures += [
        failure(row["path"], row["reason"], row["message"]) for row in files[files["reason"].notna()].to_dict("records")
    ]
    failures += [
        failure(path, *why)
        for path, sha in zip(sound["path"], sound["audio_sha256"], strict=True)
        if (why := inspected[sha].failure) is not None
    ]
    failures += [failure(*why) for why in overrides.failures]
    listing = build_listing(rows, failures)
    listing.counts = {"files": len(walked.files), "tables": len(walked.tables), "passed_over": walked.passed_over}
    return listing


def _row(
    config: FolderSourceParams,
    folder: Path,
    path: Path,
    file: Mapping[Any, Any],
    inspected: Inspected,
    overrides: Overrides,
) -> Row:
    within = path.relative_to(folder).as_posix()
    source_id = f"{folder_name(config)}/{within}"
    written = overrides.values.get(within, {})
    values = {**inspected.tags.values, **written}
    track = {
        **values,
        "track_id": f"{SOURCE}:{source_id}",
        "source": SOURCE,
        "source_id": source_id,
        "path": file["path"],
        "audio_sha256": file["audio_sha256"],
        "duration_seconds": inspected.duration_seconds,
        "licence": written.get("licence") or config.licence or inspected.tags.values.get("licence", UNKNOWN_LICENCE),
        "ml_use": written.get("ml_use", config.ml_use),
    }
    return Row(track, {**inspected.tags.provenance, **dict.fromkeys(written, FROM_TABLE)})
