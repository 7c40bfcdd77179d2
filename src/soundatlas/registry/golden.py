"""The golden clip: a few seconds of synthetic sound whose log-mel every machine that loads the model must reproduce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

from soundatlas.audio.stems import analyse
from soundatlas.errors import BundleError, TrackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.audio.stems import AnyFrontEnd

AUDIO_NAME = "golden.flac"
TOLERANCE_DB = 1e-3  # an array and not a hash: sums differ in the last bits between processors and thread counts
SAMPLE_RATE = 44_100  # Hz; not the front end's rate, so that resampling is checked too
SECONDS = 2.0
NOISE = 0.02  # keeps every cell well above the floor, where decibels would magnify rounding


def log_mel_name(part: str) -> str:
    """Return the name of the file with a part's log-mel."""
    return f"golden-{part}.npy"


def write_golden(folder: Path, front_ends: Mapping[str, AnyFrontEnd]) -> None:
    """Write the clip, a stereo sweep over noise, and the log-mel that each part's front end gives for it."""
    seconds = max(SECONDS, *(1.5 * front_end.mix.min_seconds for front_end in front_ends.values()))
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sweep = 0.4 * np.sin(2 * np.pi * (60 * time + (6000 - 60) / (2 * seconds) * time**2))
    noise = NOISE * np.random.default_rng(0).standard_normal((len(time), 2))
    soundfile.write(folder / AUDIO_NAME, sweep[:, None] * [1.0, 0.5] + noise, SAMPLE_RATE, subtype="PCM_16")
    for part, front_end in front_ends.items():
        found = analyse(folder / AUDIO_NAME, front_end).log_mel
        np.save(folder / log_mel_name(part), found, allow_pickle=False)


def golden_log_mel(folder: Path, part: str) -> NDArray[np.float32]:
    """Return the log-mel that the clip must give for a part: float32, of the front end's shape, dB."""
    return np.asarray(np.load(folder / log_mel_name(part), allow_pickle=False))


def check_golden(folder: Path, part: str, front_end: AnyFrontEnd) -> None:
    """Compute the clip's log-mel here and compare.

    Raises:
        BundleError: when any cell differs by more than 1e-3 dB.
    """
    expected = golden_log_mel(folder, part)
    try:
        found = analyse(folder / AUDIO_NAME, front_end).log_mel
    except TrackError as error:
        raise BundleError(f"the model's golden clip cannot be decoded here ({error})") from None
    if found.shape != expected.shape:
        raise BundleError(f"the model's golden clip gives shape {found.shape} here instead of {expected.shape}")
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE_DB:
        raise BundleError(
            f"the model's golden clip differs by {worst:.3g} dB here (at most {TOLERANCE_DB:g}): "
            "this machine's decoder or front end would feed it other numbers than it was trained on"
        )
