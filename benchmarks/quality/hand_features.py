"""Hand-made features of a whole track, computed from its audio file.

The mono mix at 22,050 Hz (librosa's own rate) gives 39 numbers per frame: 20 MFCCs, 12 chroma bands of the STFT
(without tuning estimation) and 7 bands of spectral contrast. Of each, and of its frame-to-frame difference, the mean
and the standard deviation over the track are kept: 156 numbers. These are the families that the FMA paper
(arXiv 1612.01840) found to tell genres apart best.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality.kept_features import TRACKS_PER_WRITE, read_kept, write_kept
from soundatlas.audio.decode import decode
from soundatlas.errors import SoundatlasError
from soundatlas.files import sha256_file
from soundatlas.progress import progress
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from soundatlas.params import SpectrogramsParams

SAMPLE_RATE = 22_050  # Hz
N_MFCC = 20


@dataclass(frozen=True)
class Job:
    """One file to analyse: picklable, for a worker."""

    audio_sha256: str
    path: Path
    max_seconds: float


def hand_features(path: Path, max_seconds: float) -> NDArray[np.float32]:
    """Return the 156 features of at most the first `max_seconds` of a file.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    import librosa

    decoded = decode(path, max_seconds=max_seconds)
    samples = decoded.samples
    if decoded.sample_rate != SAMPLE_RATE:
        samples = librosa.resample(samples, orig_sr=decoded.sample_rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    magnitude = np.abs(librosa.stft(samples))
    frames = np.concatenate(
        [
            librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=N_MFCC),
            librosa.feature.chroma_stft(S=magnitude**2, sr=SAMPLE_RATE, tuning=0.0),
            librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE),
        ]
    )
    change = np.diff(frames, axis=1, prepend=frames[:, :1])
    parts = [frames.mean(axis=1), frames.std(axis=1), change.mean(axis=1), change.std(axis=1)]
    return np.concatenate(parts).astype(np.float32)


def compute(job: Job) -> NDArray[np.float32]:
    """Analyse one file, in a worker."""
    return hand_features(job.path, job.max_seconds)


def load_features(dataset: Dataset, params: SpectrogramsParams) -> dict[str, NDArray[np.float32]]:
    """Return audio SHA-256 -> features of every track, computing those that are not kept yet.

    Raises:
        SoundatlasError: when a file that has a spectrogram cannot be analysed.
    """
    version = sha256_file(Path(__file__))[:12]
    kept_at = dataset.scratch / f"hand-{version}-{params.max_seconds:g}s.parquet"
    known = read_kept(kept_at)
    tracks = dataset.heard.drop_duplicates("audio_sha256")
    jobs = [
        Job(sha, dataset.collection.root / path, params.max_seconds)
        for sha, path in zip(tracks["audio_sha256"], tracks["path"], strict=True)
        if sha not in known
    ]
    with (
        progress("computing MFCC, chroma and contrast", len(jobs)) as advance,
        closing(map_in_workers(compute, jobs, timeout_seconds=params.timeout_seconds)) as outcomes,
    ):
        while batch := list(itertools.islice(outcomes, TRACKS_PER_WRITE)):
            for outcome in batch:
                if outcome.value is None:
                    raise SoundatlasError(f"{outcome.item.path.name} cannot be analysed ({outcome.failure})")
                known[outcome.item.audio_sha256] = outcome.value
                advance()
            write_kept(kept_at, known)
    return {sha: known[sha] for sha in tracks["audio_sha256"]}
