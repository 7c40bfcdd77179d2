"""Picking the beat among the tempi that the onsets speak for."""

from __future__ import annotations

import numpy as np
import pytest
from clicks import RATE, clicks

from soundatlas.learning.beat import FEWEST_TRACKS, RATIOS, BeatPicker, fit_beat


@pytest.fixture(scope="module")
def tracks() -> tuple[list[np.ndarray], np.ndarray]:
    """Give tracks whose every second or third click is louder, and their tempi."""
    bpm = np.random.default_rng(1).uniform(70, 150, 24)
    return [clicks(float(value), accent=2 + number % 2) for number, value in enumerate(bpm)], bpm


def test_it_learns_to_pick_the_beat(tracks) -> None:
    """From rough estimates, 12 % off, the beat of tracks that it never heard is picked within 4 %."""
    log_mels, bpm = tracks
    rough = bpm * np.exp(np.random.default_rng(2).normal(0, 0.12, len(bpm)))
    picker = fit_beat(log_mels[:16], rough[:16], bpm[:16], RATE)
    picked = np.array([picker.pick(*track, RATE) for track in zip(log_mels[16:], rough[16:], strict=True)])
    assert np.mean(np.abs(picked / bpm[16:] - 1) < 0.04) >= 0.85
    assert np.mean(np.abs(rough[16:] / bpm[16:] - 1) < 0.04) < 0.6


def test_the_estimate_decides_between_octaves() -> None:
    """Clicks repeat after two beats as well as after one: which of them is meant, the estimate says."""
    picker = BeatPicker((1.0, *[0.0] * (len(RATIOS) - 1), -1.0, -1.0))
    log_mel = clicks(120.0)
    assert picker.pick(log_mel, 60.0, RATE) == pytest.approx(60, rel=0.04)
    assert picker.pick(log_mel, 120.0, RATE) == pytest.approx(120, rel=0.04)


def test_silence_keeps_the_estimate() -> None:
    """Where no onset speaks for any tempo, the estimate stands."""
    picker = BeatPicker((1.0,) * (len(RATIOS) + 2))
    assert picker.pick(np.full((200, 40), -100, np.float32), 97.5, RATE) == 97.5


def test_a_senseless_estimate_does_no_harm(tracks) -> None:
    """An estimate of zero or less, as a regression may give, still leaves a tempo that the onsets speak for."""
    log_mels, bpm = tracks
    picker = fit_beat(log_mels, bpm, bpm, RATE)
    assert 30 <= picker.pick(log_mels[0], -4.0, RATE) <= 260


@pytest.mark.parametrize("known", [0, FEWEST_TRACKS - 1])
def test_too_few_tempi_teach_nothing(tracks, known: int) -> None:
    """With hardly any track of known tempo there is no picker."""
    log_mels, bpm = tracks
    truth = np.where(np.arange(len(bpm)) < known, bpm, np.nan)
    assert fit_beat(log_mels, bpm, truth, RATE) is None


def test_the_contract_keeps_it() -> None:
    """What the contract says gives the same picker."""
    picker = BeatPicker((0.5, -1.25, 3.0))
    assert BeatPicker.from_contract(picker.contract()) == picker
