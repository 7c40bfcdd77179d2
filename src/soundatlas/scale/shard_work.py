"""One shard as a unit of work: its tracks computed or copied, and the whole written, by one worker.

So only names travel between machines, never spectrograms.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.attempts import Attempt, Outcome
from soundatlas.errors import StoreError, TrackError
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale.attempted import write_attempted
from soundatlas.scale.audio import reachable_audio
from soundatlas.scale.guards import OTHER_CODE, attempt_guarded
from soundatlas.store.contents import failure_row
from soundatlas.store.jobs import Job
from soundatlas.store.rows import describe
from soundatlas.store.shards import Shard, write_shard
from soundatlas.store.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.scale.places import Place
    from soundatlas.store.rows import Described
    from soundatlas.workers import SingleWorker

    Track = tuple[NDArray[np.float16], dict[str, Any]]  # log-mel of shape (frames, n_mels), row of the manifest


@dataclass(frozen=True)
class ShardPlan:
    """What is to become of one shard.

    Attributes:
        name: of the shard.
        paths: audio SHA-256 -> path of a file that holds those bytes, for each track that belongs to it.
        held: audio SHA-256 -> name of the shard that holds its spectrogram now.
        stays: whether the shard is there already and holds what is `held`, and nothing else.
    """

    name: str
    paths: dict[str, str]
    held: dict[str, str]
    stays: bool

    @property
    def missing(self) -> list[str]:
        """Return the hashes of the tracks that no shard holds."""
        return [sha for sha in self.paths if sha not in self.held]


@dataclass(frozen=True)
class Setting:
    """What is the same for all shards of an update; it travels to every worker.

    Attributes:
        project: what the paths are relative to.
        store: the folder of the shards.
        front_end: the settings.
        timeout_seconds: longest time for one attempt at one track.
        retries: how often a track is tried again that failed for a reason that may pass.
        code_sha256: of the code that hears, where the job was started: the workers must have the same.
    """

    project: Place
    store: Place
    front_end: FrontEnd
    timeout_seconds: float
    retries: int
    code_sha256: str


@dataclass(frozen=True)
class ShardDone:
    """What became of one shard.

    Attributes:
        name: of the shard.
        failures: a row per track without spectrogram, as `store.contents.failure_row` makes them.
        repaired: how many tracks had to be computed although a shard held them: their bytes had changed there.
        fault: why the shard was not written, as on a full disk; an earlier one of that name stays.
    """

    name: str
    failures: list[dict[str, str]]
    repaired: int = 0
    fault: str | None = None


def build_shard(plan: ShardPlan, setting: Setting) -> ShardDone:
    """Make a shard hold what is planned, as `store.writing.update_store` does; doing it twice changes nothing."""
    if setting.code_sha256 != code_sha256():
        return ShardDone(plan.name, [], fault=OTHER_CODE)
    failures: list[dict[str, str]] = []
    attempted: dict[str, Sequence[Attempt]] = {}
    spool = Spool(setting.store.local or Path(tempfile.gettempdir()))
    tracks = _computed(plan, plan.missing, setting, failures, attempted, spool)
    copied, rotten = ({}, []) if plan.stays and not tracks else _copied(plan, setting, spool)
    copied |= _computed(plan, rotten, setting, failures, attempted, spool)
    try:
        write_attempted(setting.store, plan.name, setting.front_end.sha256(), attempted)
        if tracks or copied or not plan.stays:
            _write(plan.name, setting, tracks | copied)
    except StoreError as error:
        return ShardDone(plan.name, failures, len(rotten), str(error))
    return ShardDone(plan.name, failures, len(rotten))


def _write(name: str, setting: Setting, tracks: dict[str, Track]) -> None:
    contract = setting.front_end.sha256()
    if setting.store.local is not None:
        write_shard(setting.store.local / name, contract, tracks)
        return
    with setting.store.replacing(name) as beside:
        write_shard(beside, contract, tracks)


def _computed(
    plan: ShardPlan,
    shas: Iterable[str],
    setting: Setting,
    failures: list[dict[str, str]],
    attempted: dict[str, Sequence[Attempt]],
    spool: Spool,
) -> dict[str, Track]:
    """Compute tracks; those that fail become rows of `failures`, and all attempts go into `attempted`."""
    tracks = {}
    for sha in shas:
        outcome = attempt_guarded(partial(_attempt, sha, plan.paths[sha], setting), setting.retries)
        attempted[sha] = outcome.attempts
        if outcome.value is not None:
            tracks[sha] = (spool.keep(outcome.value.log_mel), {**outcome.value.row, "shard": plan.name})
        elif outcome.failure is not None:
            failures.append(failure_row(sha, plan.paths[sha], setting.front_end, outcome.failure))
    return tracks


def _attempt(sha: str, path: str, setting: Setting, worker: SingleWorker) -> Outcome[str, Described]:
    began = time.time()
    try:
        with reachable_audio(setting.project, path) as (root, name):
            job = Job(sha, root, name, setting.front_end)
            outcome = worker.attempt(describe, job, timeout_seconds=setting.timeout_seconds)
    except TrackError as error:
        return Outcome(sha, None, error, (Attempt(began, time.time() - began, error),))
    return Outcome(sha, outcome.value, outcome.failure, outcome.attempts)


def _copied(plan: ShardPlan, setting: Setting, spool: Spool) -> tuple[dict[str, Track], list[str]]:
    """Take a shard's tracks from the shards that hold them now; return also those whose bytes have changed there."""
    tracks: dict[str, Track] = {}
    rotten = []
    with ExitStack() as stack:
        shards: dict[str, Shard | None] = {}
        for sha, name in plan.held.items():
            if name not in shards:
                shards[name] = _opened(stack.enter_context(setting.store.fetched(name)))
            track = _track(shards[name], sha, plan.name)
            if track is None:
                rotten.append(sha)
            else:
                tracks[sha] = (spool.keep(track[0]), track[1])
    return tracks, rotten


def _track(shard: Shard | None, sha: str, name: str) -> Track | None:
    """Return a track of a shard, for another one; None where its bytes are not those that were written."""
    if shard is None or sha not in shard.rows:
        return None
    try:
        return shard.kept(sha), {**shard.rows[sha], "shard": name}
    except StoreError:
        return None


def _opened(path: Path) -> Shard | None:
    try:
        return Shard(path)
    except StoreError:
        return None
