"""Bringing the store up to date: computing only what is missing, rewriting only the shards that change."""

from __future__ import annotations

import importlib
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from soundatlas.errors import StoreError
from soundatlas.files import remove_leftovers
from soundatlas.store.contents import failure_row, manifest_part, write_failures, write_manifest
from soundatlas.store.jobs import Job
from soundatlas.store.known_shards import KnownShards
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.row_tables import library_versions
from soundatlas.store.rows import describe
from soundatlas.store.shards import Shard, bucket_bits, list_shards, readable_shards, shard_name, write_shard
from soundatlas.store.spool import Spool
from soundatlas.tables import MANIFEST, read_table, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from soundatlas.attempts import MapJobs, Outcome
    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.store.rows import Described

    Track = tuple[NDArray[np.float16], dict[str, Any]]  # log-mel of shape (frames, n_mels), row of the manifest

NEEDED_FOR_WRITING = ("safetensors.numpy", "pyarrow.parquet")


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
    front_end: AnyFrontEnd,
    *,
    root: Path,
    timeout_seconds: float,
    workers: int | None = None,
    map_jobs: MapJobs = map_in_workers,
    advance: Callable[[], None] = lambda: None,
    unlisted: Iterable[Mapping[str, Any]] = (),
    known: Path | None = None,
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
        map_jobs: has workers compute the spectrograms.
        advance: called after each computed track, for a progress bar.
        unlisted: rows of `tables.FAILURES`, of files that could not even be listed: they join those that failed.
        known: a JSON file of ours that remembers sound shards; one that looks otherwise now is read before it is kept.
    """
    from concurrent.futures import ThreadPoolExecutor

    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    contract = front_end.sha256()
    present, sound = _present_shards(folder, contract), KnownShards(known)
    where = {sha: shard for shard in present.values() for sha in shard.rows}
    layout = _layout(wanted)
    missing = [sha for names in layout.values() for sha in names if sha not in where]
    failures: list[dict[str, str]] = []
    parts: list[pa.Table] = []  # of the manifest
    repaired = 0

    def compute_all(shas: Iterable[str]) -> Generator[Outcome[Job, Described], None, None]:
        jobs = (Job(sha, root, wanted[sha], front_end) for sha in shas)
        watched = _after_the_first(jobs, lambda: aside.submit(_prepare_writing))
        return map_jobs(describe, watched, timeout_seconds=timeout_seconds, workers=workers)

    with ThreadPoolExecutor(max_workers=1) as aside, closing(compute_all(missing)) as outcomes:
        for name, names in layout.items():
            kept = [sha for sha in names if sha in where]
            is_whole = name in present and set(present[name].rows) == set(kept)
            is_kept = is_whole and len(kept) == len(names)
            if is_kept and (sound.holds(folder / name) or present[name].is_sound()):
                parts.append(manifest_part(present[name].rows, contract))
                continue
            spools = Spool(folder), Spool(folder)  # one for each thread
            copying = aside.submit(_copied, name, kept, where, spools[0])  # while the workers compute
            tracks = _computed(name, len(names) - len(kept), outcomes, failures, advance, spools[1])
            copied, rotten = copying.result()
            if rotten:
                repaired += len(rotten)
                copied |= _computed(name, len(rotten), compute_all(rotten), failures, lambda: None, spools[1])
            if tracks or rotten or not is_whole:
                write_shard(folder / name, contract, tracks | copied)
            parts.append(manifest_part({sha: row for sha, (_, row) in (tracks | copied).items()}, contract))
    write_manifest(parts, folder / MANIFEST_NAME)
    write_failures([*unlisted, *failures], folder / FAILURES_NAME)
    for path in list_shards(folder):
        if path.name not in layout:  # no table names it any more
            path.unlink()
    sound.remember(folder / name for name in layout)
    there = sum(sha in where for sha in wanted)
    return Update(len(missing) + repaired - len(failures), there - repaired, len(where) - there, len(failures))


def remove_from_store(folder: Path, shas: AbstractSet[str]) -> list[str]:
    """Take tracks out of a store, and compute nothing; return the names of the shards that held one.

    Where fewer tracks make fewer shards, the next update brings the others into their new order.

    Raises:
        StoreError: when a shard is damaged.
    """
    remove_leftovers(folder)  # of a removal that was killed
    shards = [Shard(path) for path in list_shards(folder)]
    touched = [shard for shard in shards if shas & set(shard.rows)]
    for shard in touched:
        left = {sha: (shard.kept(sha), shard.rows[sha]) for sha in shard.rows if sha not in shas}
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
    return {shard.path.name: shard for shard in readable_shards(folder) if shard.contract_sha256 == contract}


def _computed(
    name: str,
    count: int,
    outcomes: Generator[Outcome[Job, Described], None, None],
    failures: list[dict[str, str]],
    advance: Callable[[], None],
    spool: Spool,
) -> dict[str, Track]:
    """Take the next tracks of a shard from the workers; those that failed become rows of `failures`."""
    tracks = {}
    for outcome in islice(outcomes, count):
        advance()
        sha = outcome.item.audio_sha256
        if outcome.value is not None:
            tracks[sha] = (spool.keep(outcome.value.log_mel), {**outcome.value.row, "shard": name})
        elif outcome.failure is not None:
            failures.append(failure_row(sha, outcome.item.path, outcome.item.front_end, outcome.failure))
    return tracks


def _copied(
    name: str, shas: Iterable[str], where: Mapping[str, Shard], spool: Spool
) -> tuple[dict[str, Track], list[str]]:
    """Take a shard's tracks from the shards that hold them now; return also those whose bytes have changed there."""
    tracks, rotten = {}, []
    for sha in shas:
        try:
            tracks[sha] = (spool.keep(where[sha].kept(sha)), {**where[sha].rows[sha], "shard": name})
        except StoreError:
            rotten.append(sha)
    return tracks, rotten


def _after_the_first(jobs: Iterator[Job], act: Callable[[], object]) -> Iterator[Job]:
    """Yield all the jobs, and act once the first of them has been handed out."""
    yield from islice(jobs, 1)
    act()
    yield from jobs


def _prepare_writing() -> None:
    for name in NEEDED_FOR_WRITING:
        importlib.import_module(name)
    library_versions()
