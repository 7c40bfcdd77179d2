"""Numbers about a track that need no training."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.learning.statistics import (
    BAND_GROUPS,
    FASTEST_MODULATION,
    MODULATION_BANDS,
    SHAPE,
    statistics_groups,
    track_sound,
    track_statistics,
)

RATE = 31.25
N_MELS = 64
FRONT_END = FrontEnd(16_000, 2048, 512, N_MELS, 0.0, 8_000.0, 1.0, 600.0)


def _noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-60, 4, (frames, N_MELS)).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 2, 40, 500, 5000])
def test_any_length_gives_finite_numbers(frames: int) -> None:
    """One frame or five minutes: as many finite float32 values."""
    found = track_statistics(_noise(frames), FRONT_END)
    assert found.shape == (sum(statistics_groups(N_MELS)),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_silence_is_finite() -> None:
    """A track at the floor has no movement, and no infinity."""
    assert np.isfinite(track_statistics(np.full((100, N_MELS), -100, np.float32), FRONT_END)).all()


def test_level_and_spread_come_first() -> None:
    """The first values are mean and standard deviation per band."""
    log_mel = _noise(400)
    found = track_statistics(log_mel, FRONT_END)
    assert found[:N_MELS] == pytest.approx(log_mel.mean(axis=0), abs=1e-3)
    assert found[N_MELS : 2 * N_MELS] == pytest.approx(log_mel.std(axis=0), abs=1e-3)


@pytest.mark.parametrize("beat", [1.3, 3.2, 6.3])
def test_rhythm_peaks_at_the_beat(beat: float) -> None:
    """Loudness that moves so many times a second has its power in that modulation band."""
    time = np.arange(1500) / RATE
    log_mel = _noise(1500) + (10 * np.sin(2 * np.pi * beat * time))[:, None].astype(np.float32)
    rhythm = track_sound(log_mel, RATE)[3 * N_MELS : -SHAPE].reshape(MODULATION_BANDS, BAND_GROUPS)
    assert int(rhythm.mean(axis=1).argmax()) == int(beat / FASTEST_MODULATION * MODULATION_BANDS)


def test_shape_does_not_move_with_the_pitch() -> None:
    """The same movement two bands higher has nearly the same shape and another level."""
    one = np.full((600, N_MELS), -60, np.float32)
    generator = np.random.default_rng(1)
    one[:, 20:30] += 20 * generator.random((600, 10)).astype(np.float32)
    two = np.roll(one, 2, axis=1)
    first, second = track_sound(one, RATE), track_sound(two, RATE)
    assert first[-SHAPE:] == pytest.approx(second[-SHAPE:], abs=0.02)
    assert np.abs(first[:N_MELS] - second[:N_MELS]).max() > 1
