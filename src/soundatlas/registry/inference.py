"""Classifying one file in a worker process: decode, log-mel, windows, network. No table and no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from soundatlas.errors import BundleError
from soundatlas.registry.bundle import Bundle
from soundatlas.store.jobs import Job, compute

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.registry.bundle import TrackPrediction


@dataclass(frozen=True)
class Request:
    """One file to classify, and with what: picklable, for a worker."""

    audio_sha256: str
    root: Path
    path: str
    bundle: Path
    bundle_sha256: str


@dataclass(frozen=True)
class Heard:
    """What came of one file."""

    duration_seconds: float
    prediction: TrackPrediction


def classify_request(request: Request) -> Heard | BundleError:
    """Classify one file with a bundle that the process keeps for the next one.

    Returns:
        the prediction; or why the bundle cannot be used in this process, which is no fault of the file.

    Raises:
        TrackError: when the file cannot be used.
    """
    try:
        bundle = _bundle(request.bundle, request.bundle_sha256)
    except BundleError as error:
        return error
    seconds = 0.0

    def log_mel_of(front_end: AnyFrontEnd) -> NDArray[np.float32]:
        nonlocal seconds
        spectrogram = compute(Job(request.audio_sha256, request.root, request.path, front_end))
        seconds = spectrogram.duration_seconds
        return spectrogram.log_mel

    log_mels = bundle.analyse(log_mel_of)
    return Heard(seconds, bundle.classify_log_mels(log_mels))


@lru_cache(maxsize=1)
def _bundle(folder: Path, content_sha256: str) -> Bundle:
    return Bundle(folder, content_sha256)
