"""FMA's audio, found or unpacked, and heard: the hash of every file and its length, or why it cannot be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from soundatlas.errors import TrackError
from soundatlas.files import sha256_json
from soundatlas.progress import progress
from soundatlas.sources.fma_subset import CLIP_SECONDS, MIN_CLIP_SECONDS, WHOLE_LENGTH, audio_name
from soundatlas.sources.fma_tables import Heard
from soundatlas.sources.fma_unpacking import unpack_files
from soundatlas.sources.inbox import list_known_files, shown_path
from soundatlas.sources.inspection import inspect_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soundatlas.sources.base import IngestContext
    from soundatlas.sources.inspection import Inspected


def hear_tracks(
    audio: Path, numbers: Sequence[int], subset: str, context: IngestContext
) -> tuple[dict[int, Heard], dict[int, TrackError]]:
    """Hash and decode each track's file; what a file was found to be is remembered until it changes.

    Args:
        audio: the folder `fma_<subset>`, or its zip file.
        numbers: of the tracks.
        subset: one of `fma_subset.SUBSETS`.
        context: of the run; audio that it denies is left out.

    Returns:
        number -> what was heard, and number -> why the file cannot be used.

    Raises:
        SoundatlasError: when the archive is refused, or the disk is full.
    """
    names = {number: audio_name(number, subset) for number in numbers}
    find = _find_files if audio.is_dir() else unpack_files
    files, failures = find(audio, names, context)
    files = {number: file for number, file in files.items() if file[1] not in context.denied.shas}
    places = {sha: path for path, sha in files.values()}
    inspected = inspect_files(places, context.limits, context.memory / "inspected.parquet")
    heard = {}
    for number, (path, sha) in files.items():
        answer = _judge(inspected[sha], subset)
        if isinstance(answer, TrackError):
            failures[number] = answer
        else:
            heard[number] = Heard(shown_path(path, context.root), sha, answer)
    return heard, failures


def _find_files(
    audio: Path, names: Mapping[int, str], context: IngestContext
) -> tuple[dict[int, tuple[Path, str]], dict[int, TrackError]]:
    """Hash files where they lie, as `unpack_files` does for those of an archive."""
    paths = {number: audio.parent / name for number, name in names.items()}
    failures = {
        number: TrackError("missing", f"{names[number]} is not there")
        for number, path in paths.items()
        if not os.path.lexists(path)
    }
    there = {shown_path(path, context.root): number for number, path in paths.items() if number not in failures}
    with progress("hashing FMA", len(there)) as advance:
        listing = list_known_files(
            [paths[number] for number in there.values()],
            context.root,
            max_file_megabytes=context.limits.max_file_megabytes,
            known=context.memory / f"known-files-{sha256_json(str(audio))[:8]}.json",
            advance=advance,
        )
    found = {}
    for row in listing.to_dict("records"):
        number = there[row["path"]]
        if isinstance(row["audio_sha256"], str):
            found[number] = (paths[number], row["audio_sha256"])
        else:
            failures[number] = TrackError(row["reason"], f"{names[number]}: {row['message']}")
    return found, failures


def _judge(inspected: Inspected, subset: str) -> float | TrackError:
    """Return a file's length in seconds, or why it cannot be used; a scrap of a clip is no clip."""
    if inspected.failure is not None or inspected.duration_seconds is None:
        return TrackError(*(inspected.failure or ("fault", "nothing was found out")))
    if subset != WHOLE_LENGTH and inspected.duration_seconds < MIN_CLIP_SECONDS:
        return TrackError(
            "too_short", f"{inspected.duration_seconds:.1f} s of sound where FMA's clips have {CLIP_SECONDS:g} s"
        )
    return inspected.duration_seconds
