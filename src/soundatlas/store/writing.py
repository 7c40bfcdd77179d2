"""Bringing the store up to date: computing only what is missing, rewriting only the shards that change."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from soundatlas.errors import StoreError
from soundatlas.files import remove_leftovers
from soundatlas.store.contents import failure_row, failures_table, manifest_table
from soundatlas.store.jobs import Job, compute
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.shards import SUFFIX, Shard, bucket_bits, manifest_row, shard_name, write_shard
from soundatlas.tables import MANIFEST, read_table, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd, Spectrogram
    from soundatlas.workers import Outcome

    Track = tuple[NDArray[np.float32], dict[str, Any]]  # log-mel of shape (frames, n_mels), row of the manifest


@dataclass(frozen=True)
class Update:
    """What an update did."""

    computed: int
    kept: int
    removed: int
    failed: int


def update_store(
    folder: Path,
    wanted: Mapping[str, str],
    front_end: FrontEnd,
    *,
    root: Path,
    timeout_seconds: float,
    workers: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Update:
    """Make `folder` hold the spectrograms of exactly the `wanted` tracks.

    The result is a function of the tracks and the front end, not of history: shards are buckets of the hash's
    first bits. A killed update leaves whole shards that the next one goes on from.

    Args:
        folder: of the store.
        wanted: audio SHA-256 -> path of a file that holds those bytes, relative to `root`.
        front_end: the settings.
        root: what the paths are relative to.
        timeout_seconds: longest time for one track.
        workers: number of processes; `worker_count()` by default.
        advance: called after each computed track, for a progress bar.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    contract = front_end.sha256()
    present = _present_shards(folder, contract)
    where = {sha: shard for shard in present.values() for sha in shard.rows}
    layout = _layout(wanted)

    def compute_all(shas: Iterable[str]) -> Generator[Outcome[Job, Spectrogram], None, None]:
        jobs = (Job(sha, root, wanted[sha], front_end) for sha in shas)
        return map_in_workers(compute, jobs, timeout_seconds=timeout_seconds, workers=workers)

    missing = [sha for names in layout.values() for sha in names if sha not in where]
    failures: list[dict[str, str]] = []
    repaired = 0
    with closing(compute_all(missing)) as outcomes:
        for name, names in layout.items():
            kept = [sha for sha in names if sha in where]
            tracks = _computed(name, len(names) - len(kept), outcomes, failures, advance)
            if name in present and not tracks and set(present[name].rows) == set(kept):
                continue  # not even read
            copied, rotten = _copied(name, kept, where)
            if rotten:
                repaired += len(rotten)
                copied |= _computed(name, len(rotten), compute_all(rotten), failures, lambda: None)
            write_shard(folder / name, contract, tracks | copied)
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name not in layout:
            path.unlink()
    _write_tables(folder, layout, failures)
    there = sum(sha in where for sha in wanted)
    return Update(len(missing) + repaired - len(failures), there - repaired, len(where) - there, len(failures))


def remove_from_store(folder: Path, shas: AbstractSet[str]) -> list[str]:
    """Take tracks out of a store, and compute nothing; return the names of the shards that held one.

    Where fewer tracks make fewer shards, the next update brings the others into their new order.

    Raises:
        StoreError: when a shard is damaged.
    """
    shards = [Shard(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    touched = [shard for shard in shards if shas & set(shard.rows)]
    for shard in touched:
        left = {sha: (shard.log_mel(sha), shard.rows[sha]) for sha in shard.rows if sha not in shas}
        if left:
            write_shard(shard.path, shard.contract_sha256, left)
        else:
            shard.path.unlink()
    if touched:
        manifest = read_table(folder / MANIFEST_NAME, MANIFEST)
        write_table(manifest[~manifest["audio_sha256"].isin(shas)].reset_index(drop=True), folder / MANIFEST_NAME)
    return [shard.path.name for shard in touched]


def _layout(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return shard name -> the hashes that belong to it, both in order."""
    bits = bucket_bits(len(wanted))
    layout: defaultdict[str, list[str]] = defaultdict(list)
    for sha in sorted(wanted):
        layout[shard_name(sha, bits)].append(sha)
    return dict(layout)


def _present_shards(folder: Path, contract: str) -> dict[str, Shard]:
    """Return the shards that can be gone on from; a damaged one or one of another front end is computed anew."""
    present = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            shard = Shard(path)
        except StoreError:
            continue
        if shard.contract_sha256 == contract:
            present[path.name] = shard
    return present


def _computed(
    name: str,
    count: int,
    outcomes: Generator[Outcome[Job, Spectrogram], None, None],
    failures: list[dict[str, str]],
    advance: Callable[[], None],
) -> dict[str, Track]:
    """Take the next tracks of a shard from the workers; those that failed become rows of `failures`."""
    tracks = {}
    for outcome in islice(outcomes, count):
        advance()
        sha = outcome.item.audio_sha256
        if outcome.value is not None:
            tracks[sha] = (outcome.value.log_mel, manifest_row(name, outcome.value))
        elif outcome.failure is not None:
            failures.append(failure_row(sha, outcome.item.path, outcome.failure))
    return tracks


def _copied(name: str, shas: Iterable[str], where: Mapping[str, Shard]) -> tuple[dict[str, Track], list[str]]:
    """Take a shard's tracks from the shards that hold them now; return also those whose bytes have changed there."""
    tracks, rotten = {}, []
    for sha in shas:
        try:
            tracks[sha] = (where[sha].log_mel(sha), {**where[sha].rows[sha], "shard": name})
        except StoreError:
            rotten.append(sha)
    return tracks, rotten


def _write_tables(folder: Path, layout: Iterable[str], failures: list[dict[str, str]]) -> None:
    write_table(manifest_table(Shard(folder / name).rows for name in layout), folder / MANIFEST_NAME)
    write_table(failures_table(failures), folder / FAILURES_NAME)
