"""The pulse of a track."""

from __future__ import annotations

import numpy as np
import pytest
from clicks import RATE, clicks

from soundatlas.learning.pulse import (
    LONGEST_LAG_SECONDS,
    TEMPOGRAM_BPM,
    TEMPOGRAM_SIZE,
    onset_autocorrelation,
    salience,
    tempo_candidates,
    tempogram,
)


@pytest.mark.parametrize("frames", [1, 2, 30, 400, 9000])
def test_any_length_gives_finite_numbers(frames: int) -> None:
    """One frame or five minutes: an autocorrelation of ten seconds, and a tempogram."""
    noise = np.random.default_rng(0).normal(-60, 9, (frames, 40)).astype(np.float32)
    found = onset_autocorrelation(noise, RATE)
    assert found.shape == (int(LONGEST_LAG_SECONDS * RATE),)
    assert np.isfinite(found).all()
    assert tempogram(found, RATE).shape == (TEMPOGRAM_SIZE,)
    assert np.isfinite(tempo_candidates(found, RATE)).all()


def test_silence_has_no_pulse() -> None:
    """A track at the floor has an autocorrelation of zeros and no candidates."""
    found = onset_autocorrelation(np.full((300, 40), -100, np.float32), RATE)
    assert not found.any()
    assert len(tempo_candidates(found, RATE)) == 0


@pytest.mark.parametrize("bpm", [63.0, 97.0, 131.0, 158.0])
def test_a_candidate_lies_at_the_beat(bpm: float) -> None:
    """Of regular clicks, one candidate is right within 2 %, though a frame is 5 % of a beat at 100 a minute."""
    found = tempo_candidates(onset_autocorrelation(clicks(bpm), RATE), RATE)
    assert np.abs(found / bpm - 1).min() < 0.02


def test_the_tempogram_moves_with_the_tempo() -> None:
    """A piece played a third faster has its pattern as many steps higher."""
    slow, fast = (tempogram(onset_autocorrelation(clicks(bpm, accent=3), RATE), RATE) for bpm in (90.0, 120.0))
    steps = round(np.log(120 / 90) / np.log(TEMPOGRAM_BPM[1] / TEMPOGRAM_BPM[0]) * (TEMPOGRAM_SIZE - 1))
    shifts = range(-steps, 2 * steps + 1)
    alike = [np.corrcoef(slow[steps : -2 * steps], np.roll(fast, -shift)[steps : -2 * steps])[0, 1] for shift in shifts]
    assert abs(shifts[int(np.argmax(alike))] - steps) <= 1


def test_salience_is_read_between_frames() -> None:
    """Between two lags the autocorrelation is interpolated; beyond the longest it is 0."""
    line = np.linspace(1, 0, 11)
    assert salience(line, np.array([60 / 0.25]), 10.0) == pytest.approx([0.75])
    assert salience(line, np.array([20.0]), 10.0) == pytest.approx([0.0])
