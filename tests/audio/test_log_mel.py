"""Log-mel spectrograms of samples that come in blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.audio.log_mel import LogMelStream, count_frames
from soundatlas.audio.spectrogram import FrontEnd

MOST_SAMPLES = 30_000


def settings_of(rate: int, n_fft: int, hop_length: int) -> FrontEnd:
    """Return a front end with few bands."""
    return FrontEnd(rate, n_fft, hop_length, 5, 0.0, rate / 2, 0.1, 10.0)


@settings(max_examples=60)
@given(
    samples=st.integers(0, MOST_SAMPLES),
    cuts=st.lists(st.integers(0, MOST_SAMPLES), max_size=6),
    rates=st.tuples(st.integers(4_143, 192_000), st.sampled_from([8_000, 16_000, 22_050])),
    n_fft=st.sampled_from([256, 511, 512, 2_048]),
    overlap=st.integers(1, 6),
)
def test_blocks_leave_no_trace(samples, cuts, rates, n_fft, overlap, sound) -> None:
    """However the samples are cut, also into nothing, each cell is the same, bit for bit."""
    front_end = settings_of(rates[1], n_fft, n_fft // overlap)
    whole = sound(MOST_SAMPLES / 16_000, 16_000)[:samples, 0]
    stream = LogMelStream(front_end, rates[0], MOST_SAMPLES)
    for block in np.split(whole, sorted(cuts)):
        stream.add(block)
    found = stream.finish()
    assert len(found) == count_frames(front_end, samples, rates[0])
    np.testing.assert_array_equal(found, front_end.log_mel(whole, rates[0]))


@pytest.mark.parametrize(
    "rates", [(44_100, 16_000), (8_000, 22_050), (192_000, 4_143), (4_143, 192_000), (16_000, 16_001)]
)
@pytest.mark.parametrize("samples", [1, 2, 255, 9_999, 30_000])
def test_resampling_in_blocks_is_soxrs_in_one_call(rates, samples, sound, monkeypatch) -> None:
    """What is transformed is, bit for bit, what soxr makes of all samples at once, as many as librosa takes."""
    whole = sound(samples / 16_000, 16_000)[:, 0]
    expected = soxr.resample(whole, *rates, quality="HQ")
    length = math.ceil(samples * (rates[1] / rates[0]))
    expected = np.pad(expected[:length], (0, max(0, length - len(expected))))
    monkeypatch.setattr(LogMelStream, "_transform", lambda *_: None)
    stream = LogMelStream(settings_of(rates[1], 64, 32), rates[0], samples)
    for start in range(0, samples, 1_000):
        stream.add(whole[start : start + 1_000])
    stream.finish()
    taken = stream._waiting
    np.testing.assert_array_equal(taken[32:-32], expected)
    assert not taken[:32].any()
    assert not taken[-32:].any()
