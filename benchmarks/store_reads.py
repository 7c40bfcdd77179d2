"""What a store of many short tracks takes: reading windows of it, and finding what is new beside it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np

from soundatlas.sources.inbox import folder_rows
from soundatlas.store.reading import SpectrogramStore
from soundatlas.store.shards import SUFFIX, Shard

if TYPE_CHECKING:
    from pathlib import Path

WINDOW_FRAMES = 94  # 3 s
BATCH_WINDOWS = 64
WINDOWS = 40_000
MOST_MEGABYTES = 100
PER_FOLDER = 100


def window_rate(folder: Path, seed: int) -> float:
    """Return how many random windows a second are read and put into batches, from a store that is warm."""
    store = SpectrogramStore(folder, Shard(next(folder.glob(f"*{SUFFIX}"))).contract_sha256)
    long_enough = [sha for sha in store.manifest.index if store.frame_count(sha) >= WINDOW_FRAMES]
    for sha in long_enough:
        store.log_mel(sha)
    generator = np.random.default_rng(seed)
    tracks = [long_enough[track] for track in generator.integers(0, len(long_enough), WINDOWS)]
    starts = [int(generator.integers(0, store.frame_count(sha) - WINDOW_FRAMES + 1)) for sha in tracks]
    begun = time.perf_counter()
    for first in range(0, WINDOWS, BATCH_WINDOWS):
        drawn = zip(tracks[first : first + BATCH_WINDOWS], starts[first : first + BATCH_WINDOWS], strict=True)
        np.stack([store.frames(sha, start, start + WINDOW_FRAMES) for sha, start in drawn])
    return WINDOWS / (time.perf_counter() - begun)


def listing_seconds(folder: Path, count: int, repeats: int) -> list[float]:
    """Return how long it takes to find one new file among many known ones, each time another.

    Args:
        folder: empty; filled with files of a few bytes.
        count: how many files are known.
        repeats: how many are new, one after the other.
    """
    known = folder.with_name("known-files.json")
    for number in range(count):
        place = folder / f"{number // PER_FOLDER:03d}"
        place.mkdir(exist_ok=True)
        (place / f"{number:05d}.wav").write_bytes(os.urandom(64))
    list(folder_rows(folder, folder, max_file_megabytes=MOST_MEGABYTES, known=known))
    seconds = []
    for number in range(repeats):
        (folder / "000" / f"new-{number}.wav").write_bytes(os.urandom(64))
        begun = time.perf_counter()
        rows = list(folder_rows(folder, folder, max_file_megabytes=MOST_MEGABYTES, known=known))
        seconds.append(time.perf_counter() - begun)
        if len(rows) != count + number + 1:
            raise RuntimeError(f"{len(rows)} files were listed")
    return seconds
