"""The FMA data set as its authors unpack it, with their split, in which no artist is on two sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.quality.data import Collection
from soundatlas.errors import TrackError, UsageError
from soundatlas.files import sha256_file
from soundatlas.progress import progress
from soundatlas.sources.fma import find_unusable, read_metadata
from soundatlas.sources.fma_place import find_place
from soundatlas.sources.fma_subset import audio_name, in_subset
from soundatlas.sources.fma_tables import Heard, failures_table, tracks_table
from soundatlas.tables import SPLIT, conform

if TYPE_CHECKING:
    from pathlib import Path

SUBSETS = ("small", "medium")


def load_fma(folder: Path, subset: str) -> Collection:
    """Read a subset with its official split. A missing file is a failure.

    Args:
        folder: holds `fma_metadata` and `fma_<subset>`.
        subset: one of `SUBSETS`.

    Raises:
        UsageError: when there is no such subset, its audio is not unpacked, or none of its tracks is there.
        NotReadyError: when metadata or audio are missing.
    """
    if subset not in SUBSETS:
        raise UsageError(f"--subset is {subset!r}: one of {', '.join(SUBSETS)}")
    place = find_place(folder, subset)
    if not place.audio.is_dir():
        raise UsageError(f"{place.audio} is not unpacked: the bench reads the audio where it lies")
    rows, attributes, faulty = read_metadata(place.metadata)
    rows = in_subset(rows, subset)
    rows = rows[rows["official_split"].notna()]
    failures = find_unusable(rows, subset)
    found: dict[int, Heard] = {}
    with progress("reading FMA", len(rows)) as advance:
        for number in rows.index.tolist():
            name = audio_name(number, subset)
            advance()
            if number in failures:
                continue
            if (folder / name).is_file() and (folder / name).stat().st_size:
                found[number] = Heard(name, sha256_file(folder / name), float("nan"))
            else:
                failures[number] = TrackError("missing", f"{name} is not there")
    if not found:
        raise UsageError(f"none of the {len(rows)} tracks of the subset {subset} lies in {place.audio}")
    tracks = tracks_table(rows, attributes, found)
    sides = tracks.assign(group="artist:" + tracks["artist"].fillna(tracks["track_id"]), side=tracks["official_split"])
    return Collection(
        f"fma {subset}", folder, tracks, failures_table(faulty, failures), conform(sides, SPLIT), "official"
    )
