"""Some audio as a unit of work: heard by the champion's bundle through LiteRT, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.attempts import Attempt, Outcome
from soundatlas.errors import BundleError, TrackError
from soundatlas.history.answers import CLASSIFIED, Answer
from soundatlas.registry.classification import LASTING_REASONS
from soundatlas.registry.inference import Heard, Request, classify_request
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale.answers import Said
from soundatlas.scale.audio import reachable_audio
from soundatlas.scale.guards import OTHER_CODE, attempt_guarded

if TYPE_CHECKING:
    from soundatlas.scale.places import Place
    from soundatlas.workers import SingleWorker


@dataclass(frozen=True)
class Waiting:
    """Audio that waits to be heard: its hash, and the paths of the files that hold it."""

    audio_sha256: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Ear:
    """What is the same for all audio; it travels to every worker.

    Attributes:
        project: what the paths are relative to.
        bundle: the folder of the model's bundle.
        bundle_sha256: its content hash.
        timeout_seconds: longest time for one attempt at one file.
        retries: how often a file is tried again that failed for a reason that may pass.
        code_sha256: of the code that hears, where the job was started: the workers must have the same.
    """

    project: Place
    bundle: Place
    bundle_sha256: str
    timeout_seconds: float
    retries: int
    code_sha256: str


def hear(waiting: Waiting, ear: Ear) -> Said:
    """Hear the first of equal files that can be heard, as `registry.classification.hear_files` does."""
    if ear.code_sha256 != code_sha256():
        return Said(waiting.audio_sha256, None, {}, OTHER_CODE)
    failed: dict[str, Answer] = {}
    attempts: tuple[Attempt, ...] = ()
    bundle = bundle_here(ear.bundle, ear.bundle_sha256)
    for path in waiting.paths:
        outcome = attempt_guarded(partial(_attempt, waiting.audio_sha256, path, ear, bundle), ear.retries)
        attempts += outcome.attempts
        if isinstance(outcome.value, BundleError):
            return Said(waiting.audio_sha256, None, failed, str(outcome.value), attempts)
        answer = _answer(outcome)
        if answer.status == CLASSIFIED or answer.status in LASTING_REASONS:
            return Said(waiting.audio_sha256, answer, failed, None, attempts)
        failed[path] = answer
    return Said(waiting.audio_sha256, None, failed, None, attempts)


def _attempt(
    audio_sha256: str, path: str, ear: Ear, bundle: Path, worker: SingleWorker
) -> Outcome[str, Heard | BundleError]:
    began = time.time()
    try:
        with reachable_audio(ear.project, path) as (root, name):
            request = Request(audio_sha256, root, name, bundle, ear.bundle_sha256)
            outcome = worker.attempt(classify_request, request, timeout_seconds=ear.timeout_seconds)
    except TrackError as error:
        return Outcome(path, None, error, (Attempt(began, time.time() - began, error),))
    return Outcome(path, outcome.value, outcome.failure, outcome.attempts)


def _answer(outcome: Outcome[str, Heard | BundleError]) -> Answer:
    if outcome.failure is not None:
        return Answer(outcome.failure.reason, outcome.failure.message)
    heard = outcome.value
    if not isinstance(heard, Heard):
        raise TypeError(f"neither heard nor failed: {outcome.item}")
    return Answer.of_row({"duration_seconds": heard.duration_seconds, **heard.prediction.row()})


def bundle_here(bundle: Place, content_sha256: str) -> Path:
    """Return a folder of this machine with the bundle: itself, or a copy that stays as long as the process.

    Args:
        bundle: its folder.
        content_sha256: by which the copy is known; who loads the bundle checks it.
    """
    return bundle.local or Path(_copy_of(bundle, content_sha256).name)


@lru_cache(maxsize=4)
def _copy_of(bundle: Place, content_sha256: str) -> tempfile.TemporaryDirectory[str]:
    copy = tempfile.TemporaryDirectory(prefix=f"soundatlas-{content_sha256[:12]}-")
    bundle.fetch_folder(Path(copy.name))
    return copy
