"""Spectrograms as a Beam transform, and a store brought up to date by it."""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from soundatlas.errors import StoreError
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale.attempted import ignore, take_attempted
from soundatlas.scale.places import LEFTOVER, Place
from soundatlas.scale.planning import plan_update, read_headers, shards_of
from soundatlas.scale.reporting import reporting_progress
from soundatlas.scale.runners import run_pipeline
from soundatlas.scale.shard_work import Setting, ShardDone, build_shard
from soundatlas.store.contents import manifest_part, write_failures, write_manifest
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.writing import Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.params import EngineParams
    from soundatlas.progress import Advance
    from soundatlas.scale.attempted import NoteUnder
    from soundatlas.scale.planning import Plan
    from soundatlas.scale.shard_work import ShardPlan


class BuildShards(beam.PTransform):  # type: ignore[misc]  # Beam is not typed
    """From plans of shards to shards, each written whole by one worker.

    Gives a dictionary: under "shards" a `ShardDone` per shard, under "failures" a row per track without spectrogram.
    These are two views of one output and no tagged outputs: Beam's DaskRunner does not keep tags apart.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting

    def expand(self, plans: Any) -> dict[str, Any]:
        """Build the transform; see the class."""
        shards = plans | "build shards" >> beam.ParDo(_BuildShard(self.setting))
        return {"shards": shards, "failures": shards | "take failures" >> beam.FlatMap(_failures)}


class _BuildShard(beam.DoFn):  # type: ignore[misc]
    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting

    def process(self, plan: ShardPlan) -> Iterator[ShardDone]:
        yield build_shard(plan, self.setting)


class _WriteReport(beam.DoFn):  # type: ignore[misc]
    """Write what became of all shards where the one who started the job finds it."""

    def __init__(self, store: Place, name: str) -> None:
        super().__init__()
        self.store = store
        self.name = name

    def process(self, grouped: tuple[None, Iterable[tuple[str, Any]]]) -> Iterator[str]:
        report: dict[str, list[Any]] = {"shards": [], "failures": []}
        for kind, entry in grouped[1]:
            report[kind].append(entry)
        with self.store.replacing(self.name) as beside:
            beside.write_text(json.dumps(report), encoding="utf-8")
        yield self.name


def _failures(done: ShardDone) -> list[dict[str, str]]:
    return done.failures


def update_store_with_beam(
    store: Place,
    wanted: Mapping[str, str],
    front_end: FrontEnd,
    *,
    project: Place,
    timeout_seconds: float,
    retries: int,
    engine: EngineParams,
    advance: Advance,
    note: NoteUnder = ignore,
) -> Update:
    """Make a store hold the spectrograms of exactly the `wanted` tracks: `store.writing.update_store` on a cluster.

    The store is byte for byte what that gives. A killed job leaves whole shards that the next one goes on from.

    Args:
        store: the folder of the shards; every worker must reach it.
        wanted: audio SHA-256 -> path of a file that holds those bytes, relative to `project`.
        front_end: the settings.
        project: what the paths are relative to; every worker must reach it.
        timeout_seconds: longest time for one attempt at one track.
        retries: how often a track is tried again that failed for a reason that may pass.
        engine: the runner and its options.
        advance: called with the number of tracks whose shard has been written since.
        note: is given what workers attempted, and under which contract, once the job has ended or, after a kill, when
            the next one begins.

    Raises:
        StoreError: when a shard cannot be written.
    """
    if store.local is not None:
        store.local.mkdir(parents=True, exist_ok=True)
    _note_all(store, note)
    store.remove_leftovers()
    plan = plan_update(store, wanted, front_end.sha256())
    failures, repaired = [], 0
    if plan.shards:
        setting = Setting(project, store, front_end, timeout_seconds, retries, code_sha256())
        with reporting_progress(store, {shard.name: len(shard.missing) for shard in plan.shards}, advance):
            report = _run(plan, setting, engine)
            _note_all(store, note)
        failures = report["failures"]
        repaired = sum(count for _, count, _ in report["shards"])
        if faults := sorted(fault for _, _, fault in report["shards"] if fault is not None):
            raise StoreError(faults[0])
    _merge(store, plan, failures, front_end.sha256())
    return Update(plan.missing + repaired - len(failures), plan.kept - repaired, plan.removed, len(failures))


def _note_all(store: Place, note: NoteUnder) -> None:
    for contract, attempted in take_attempted(store):
        note(contract, attempted)


def _run(plan: Plan, setting: Setting, engine: EngineParams) -> dict[str, Any]:
    """Have the planned shards built, and return the report."""
    name = f".report-{uuid.uuid4().hex[:8]}{LEFTOVER}.json"

    def build(pipeline: Any) -> None:
        built = pipeline | "plans" >> beam.Create(plan.shards) | "spectrograms" >> BuildShards(setting)
        shards = built["shards"] | beam.Map(lambda done: ("shards", (done.name, done.repaired, done.fault)))
        failures = built["failures"] | beam.Map(lambda row: ("failures", row))
        everything = (shards, failures) | beam.Flatten() | beam.Map(lambda entry: (None, entry)) | beam.GroupByKey()
        everything | "report" >> beam.ParDo(_WriteReport(setting.store, name))

    run_pipeline(build, engine, units=len(plan.shards))
    try:
        report: dict[str, Any] = json.loads(setting.store.read(name))
    except FileNotFoundError:
        raise StoreError("the job ended without its report: its log says why; run it again") from None
    setting.store.remove(name)
    return report


def _merge(store: Place, plan: Plan, failures: Iterable[Mapping[str, str]], contract_sha256: str) -> None:
    """Remove shards that belong to no layout any more, and write the two tables by what lies there now."""
    store.remove_leftovers()  # of workers that were lost meanwhile
    for name in set(shards_of(store)) - set(plan.layout):
        store.remove(name)
    headers = read_headers(store, plan.layout)
    sound = {name: header for name, header in headers.items() if header and header.contract_sha256 == contract_sha256}
    if lacking := [name for name in plan.layout if name not in sound]:
        raise StoreError(f"shard {lacking[0]} is not there after the job, or not as it should be: run it again")
    parts = [manifest_part(header.rows, header.contract_sha256) for header in sound.values()]
    _write(store, MANIFEST_NAME, partial(write_manifest, parts))
    _write(store, FAILURES_NAME, partial(write_failures, failures))


def _write(store: Place, name: str, write_table: Callable[[Path], None]) -> None:
    if store.local is not None:
        write_table(store.local / name)
        return
    with store.replacing(name) as beside:
        write_table(beside)
