"""Intervals: what stays the same when music is transposed."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.learning.intervals import (
    INTERVALS_SIZE,
    LOWEST,
    SEMITONES,
    WIDEST,
    pitch_salience,
    track_intervals,
)

FRONT_END = FrontEnd(16_000, 2048, 512, 128, 0.0, 8_000.0, 1.0, 600.0)
LEAP = 7  # semitones, a fifth
NOTE_FRAMES = 16  # 0.512 s, the third lag


def _tone(midi: float, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * FRONT_END.sample_rate)) / FRONT_END.sample_rate
    return np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * time)


def _melody(*notes: float) -> np.ndarray:
    """Return the log-mel of notes of 0.512 s."""
    seconds = NOTE_FRAMES * FRONT_END.hop_length / FRONT_END.sample_rate
    samples = np.concatenate([_tone(note, seconds) for note in notes]).astype(np.float32)
    return FRONT_END.log_mel(0.3 * samples, FRONT_END.sample_rate)


@pytest.mark.parametrize("frames", [1, 2, 3, 70, 2000])
def test_any_length_gives_finite_numbers(frames: int) -> None:
    """One frame or a minute: as many finite values."""
    noise = np.random.default_rng(0).normal(-60, 9, (frames, 128)).astype(np.float32)
    found = track_intervals(noise, FRONT_END)
    assert found.shape == (INTERVALS_SIZE,)
    assert np.isfinite(found).all()


def test_silence_has_no_intervals() -> None:
    """A track at the floor gives zeros, but for rounding."""
    found = track_intervals(np.full((100, 128), -100, np.float32), FRONT_END)
    assert found == pytest.approx(np.zeros(INTERVALS_SIZE), abs=1e-6)


@pytest.mark.parametrize("midi", [60, 69, 81, 96])
def test_a_tone_stands_out_at_its_note(midi: int) -> None:
    """The semitone of a sine is the most salient one, or, where mel bands are wide, its neighbour."""
    found = pitch_salience(_melody(midi, midi), FRONT_END).sum(axis=0)
    assert abs(LOWEST + int(found.argmax()) - midi) <= (0 if midi > 65 else 1)


def test_a_leap_shows_as_its_interval() -> None:
    """A melody that goes up and down by fifths has the fifth among the intervals after one note, both ways."""
    found = track_intervals(_melody(*[69, 69 + LEAP] * 6), FRONT_END)
    width = 2 * WIDEST + 1
    after_a_note = found[WIDEST + 1 + 2 * width :][:width]  # lag 0.512 s
    after_two = found[WIDEST + 1 + 3 * width :][:width]
    assert {int(place) - WIDEST for place in np.argsort(-after_a_note)[:2]} == {LEAP, -LEAP}
    assert int(after_two.argmax()) - WIDEST == 0


def test_transposition_changes_little() -> None:
    """The same melody four semitones higher lies far closer than the melody with another leap."""
    first = track_intervals(_melody(*[72, 79, 76, 84] * 4), FRONT_END)
    higher = track_intervals(_melody(*[76, 83, 80, 88] * 4), FRONT_END)
    other = track_intervals(_melody(*[72, 73, 78, 75] * 4), FRONT_END)
    assert np.linalg.norm(first - higher) < 0.5 * np.linalg.norm(first - other)


def test_a_front_end_with_few_bands_is_no_fault() -> None:
    """Where mel bands are too wide for semitones, or end below them, the values are finite all the same."""
    narrow = FrontEnd(8_000, 512, 128, 20, 0.0, 2_000.0, 1.0, 600.0)
    noise = np.random.default_rng(0).normal(-60, 9, (300, 20)).astype(np.float32)
    assert pitch_salience(noise, narrow).shape == (300, SEMITONES)
    assert np.isfinite(track_intervals(noise, narrow)).all()
