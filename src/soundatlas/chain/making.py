"""Making what a track lacks, and putting it where the stages look for it: they then compute none of it again."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from soundatlas.chain.states import BACKBONE, FEATURES, PREDICTION, SPECTROGRAM, STORE, State
from soundatlas.dag import holding_data
from soundatlas.errors import BundleError, NotReadyError, TrackError
from soundatlas.files import sha256_json
from soundatlas.history import audit
from soundatlas.history.answers import CLASSIFIED, Answer
from soundatlas.history.store import open_history
from soundatlas.history.watching import audited
from soundatlas.learning.backbone_features import (
    FAILURES_NAME,
    FEATURES_NAME,
    read_features,
    remove_features,
    update_features,
    write_features,
)
from soundatlas.learning.blend import BACKBONE as BACKBONE_PART
from soundatlas.registry.classification import LASTING_REASONS
from soundatlas.registry.inference import Request, classify_request
from soundatlas.registry.stored_hearing import StoredRequest, classify_stored
from soundatlas.store.adding import add_to_store
from soundatlas.store.jobs import Job, compute
from soundatlas.store.reading import MANIFEST_NAME
from soundatlas.tables import FAILURES, MANIFEST, TRACKS, conform, read_table, write_table
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soundatlas.attempts import MapJobs, Outcome
    from soundatlas.chain.plan import Planned
    from soundatlas.chain.states import Chain, Model
    from soundatlas.registry.inference import Heard

Item = TypeVar("Item")
Value = TypeVar("Value")

BY = "make"  # in the audit trail


@dataclass(frozen=True)
class Made:
    """A step that was made.

    Attributes:
        step: its name.
        seconds: of wall time, the start of the worker included.
        same: whether it came out as it was before, to the byte; None where there was none before.
        about: one phrase.
    """

    step: str
    seconds: float
    same: bool | None
    about: str


def make_steps(chain: Chain, planned: Sequence[Planned]) -> list[Made]:
    """Make the planned steps, in order.

    Raises:
        NotReadyError: when a prediction is wanted and there is no champion.
        TrackError: when the file cannot be used.
        StoreError: when the store is damaged, or of another front end.
        SoundatlasError: when a stage is running.
    """
    if any(each.found.step == PREDICTION for each in planned):
        _model(chain)
    runs = [each.found.step for each in planned if each.runs]
    if not runs:
        return []
    makers = {SPECTROGRAM: _make_spectrogram, FEATURES: _make_features, PREDICTION: _make_prediction}
    with ExitStack() as held:
        if runs != [PREDICTION]:
            held.enter_context(holding_data(chain.root, "soundatlas make"))
        trail = held.enter_context(audit.open_audit(chain.root, BY))
        return [_timed(step, makers[step], chain, trail) for step in runs]


def _timed(
    step: str,
    make: Callable[[Chain, audit.AuditTrail], tuple[bool | None, str]],
    chain: Chain,
    trail: audit.AuditTrail,
) -> Made:
    began = time.perf_counter()
    same, about = make(chain, trail)
    return Made(step, time.perf_counter() - began, same, about)


def _make_spectrogram(chain: Chain, trail: audit.AuditTrail) -> tuple[bool | None, str]:
    """Compute the spectrogram, and put it into its shard."""
    sha, folder, contract = chain.track.audio_sha256, chain.root / STORE, chain.front_end.sha256()
    before = None
    if (folder / MANIFEST_NAME).is_file():
        manifest = read_table(folder / MANIFEST_NAME, MANIFEST).set_index("audio_sha256")
        before = manifest["checksum"].get(sha)
    job = Job(sha, chain.root, _file(chain), chain.front_end)
    found = _one(compute, job, chain, audited(trail, audit.Step(audit.SPECTROGRAM, contract), _crew(chain)))
    if found.value is None:
        raise _failure(found)
    catalogue = read_table(chain.root / "data/catalog/tracks.parquet", TRACKS)
    row = add_to_store(
        folder,
        contract,
        sha,
        found.value,
        tracks=catalogue["audio_sha256"].nunique(),
        paths=chain.track.paths,
    )
    return None if before is None else before == row["checksum"], f"{row['frames']} frames into {row['shard']}"


def _make_features(chain: Chain, trail: audit.AuditTrail) -> tuple[bool | None, str]:
    """Let the backbone hear the file, and enter its features; what is known of other tracks stays."""
    sha, folder, contract = chain.track.audio_sha256, chain.root / BACKBONE, _model(chain).contract
    path, about = folder / FEATURES_NAME, contract.backbone or {}
    rows = read_features(path).rows()
    before = rows.pop(sha, None)
    remove_features(path, {sha})
    failures = read_table(folder / FAILURES_NAME, FAILURES)
    update_features(
        folder,
        {**dict.fromkeys(rows, ""), sha: _file(chain)},
        str(about["backbone"]),
        contract.front_ends[BACKBONE_PART].mix,
        root=chain.root,
        timeout_seconds=chain.params.backbone.timeout_seconds,
        map_jobs=audited(
            trail, audit.Step(audit.FEATURES, sha256_json(about)), retrying(chain.params.backbone.retries)
        ),
    )
    failed = read_table(folder / FAILURES_NAME, FAILURES)
    if len(failed) and before is not None:  # what was there is still what the stage made of these bytes
        write_features(path, about, {**rows, sha: before}, before.size)
        write_table(failures, folder / FAILURES_NAME)
    else:
        others = failures[~failures["path"].isin(chain.track.paths)]
        write_table(conform(pd.concat([others, failed]), FAILURES), folder / FAILURES_NAME)
    if len(failed):
        raise TrackError(str(failed["reason"].iloc[0]), str(failed["message"].iloc[0]))
    same = None if before is None else bool(np.array_equal(before, read_features(path).rows()[sha]))
    return same, f"into {BACKBONE}/{FEATURES_NAME}"


def _make_prediction(chain: Chain, trail: audit.AuditTrail) -> tuple[bool | None, str]:
    """Let the champion hear the track, and keep what it says in the history."""
    sha, model = chain.track.audio_sha256, _model(chain)
    step = audit.Step(audit.PREDICTION, model.key.contract_sha256, model.key.model_sha256)
    content, map_jobs = model.champion.content_sha256, audited(trail, step, _crew(chain))
    before = chain.answer
    if chain.hears_store:
        stored = StoredRequest(sha, chain.root, model.folder, content)
        said = _answer(_one(classify_stored, stored, chain, map_jobs))
    else:
        request = Request(sha, chain.root, _file(chain), model.folder, content)
        said = _answer(_one(classify_request, request, chain, map_jobs))
    with open_history(chain.root) as history:
        history.keep(model.key, {sha: said})
    if before is None or before == said:
        return (None if before is None else True), f"{said.status}, into the history"
    return False, f"now {said.status}, the embedding apart by {_distance(before, said)}; the history keeps the first"


def _distance(one: Answer, other: Answer) -> str:
    """Return the largest difference between two embeddings; where one of them is none, that it is not known."""
    if one.status != CLASSIFIED or other.status != CLASSIFIED:
        return "an unknown distance"
    return f"{np.abs(one.vector() - other.vector()).max():.1g}"


def _answer(outcome: Outcome[Any, Heard | BundleError]) -> Answer:
    """Return what is kept of what a worker heard.

    Raises:
        BundleError: when the bundle cannot be used here.
        TrackError: when the track could not be heard for a reason that may pass.
    """
    heard = outcome.value
    if isinstance(heard, BundleError):
        raise heard
    if heard is not None:
        return Answer.of_row({"duration_seconds": heard.duration_seconds, **heard.prediction.row()})
    failure = _failure(outcome)
    if failure.reason not in LASTING_REASONS:
        raise failure
    return Answer(failure.reason, failure.message)


def _one(function: Callable[[Item], Value], item: Item, chain: Chain, map_jobs: MapJobs) -> Outcome[Item, Value]:
    """Apply a function to one item, in a worker of its own."""
    with closing(
        map_jobs(function, [item], timeout_seconds=chain.params.spectrograms.timeout_seconds, workers=1)
    ) as outcomes:
        return next(outcomes)


def _failure(outcome: Outcome[Any, Any]) -> TrackError:
    if outcome.failure is None:
        raise AssertionError("an outcome has a value or a failure")
    return outcome.failure


def _crew(chain: Chain) -> MapJobs:
    return retrying(chain.params.spectrograms.retries)


def _file(chain: Chain) -> str:
    """Return the path of a file with the track's bytes.

    Raises:
        TrackError: when there is none.
    """
    if chain.file is None:
        found = chain.audio()
        reason = "changed" if found.state == State.STALE else "missing"
        raise TrackError(reason, f"{found.why}; `dvc repro` lists what lies there now")
    return chain.file


def _model(chain: Chain) -> Model:
    """Return the champion.

    Raises:
        NotReadyError: when there is none.
    """
    if chain.model is None:
        raise NotReadyError("there is no champion yet: `dvc repro` trains one; --to spectrogram needs none")
    return chain.model
