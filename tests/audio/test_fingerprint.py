"""The fingerprint: what it survives, and what it tells apart."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from melodies import play

from soundatlas.audio.fingerprint import (
    BLOCK_SECONDS,
    Layout,
    bit_error_rate,
    fingerprint,
    hashes,
    level_correlation,
)
from soundatlas.audio.spectrogram import FrontEnd, analyse_file

FRONT_END = FrontEnd(16_000, 2048, 512, 128, 0.0, 8000.0, 1.0, 600.0)
LAYOUT = Layout.of(FRONT_END)
RATE, SECONDS = 44_100, 10.0
SAME, OTHER = 0.09, 0.2


@pytest.fixture(scope="module")
def piece():
    """Give a piece of music: mono samples."""
    return play(1, SECONDS, RATE)


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """Give a function that writes samples to a real file and returns the fingerprint of that file."""
    folder = tmp_path_factory.mktemp("encoded")

    def encode(samples, rate=RATE, kind="FLAC", *, front_end=FRONT_END, **settings_of_codec):
        path = folder / f"sound.{kind.lower()}"
        soundfile.write(path, samples, rate, format=kind, **settings_of_codec)
        return fingerprint(analyse_file(path, front_end).log_mel, Layout.of(front_end))

    return encode


def _distance(one, other, seconds=0.0, layout=LAYOUT):
    """Return the bit error rate at the best offset within a frame of `seconds`."""
    centre = round(seconds / layout.frame_seconds)
    return min(bit_error_rate(one, other, centre + step, layout) for step in (-1, 0, 1))


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        ("MP3", {"bitrate_mode": "CONSTANT", "compression_level": 0.6}),  # 128 kbit/s at 44.1 kHz
        ("MP3", {"bitrate_mode": "CONSTANT", "compression_level": 0.8}),  # 64 kbit/s
        ("MP3", {"bitrate_mode": "VARIABLE", "compression_level": 0.9}),
        ("OGG", {"compression_level": 0.6}),
        ("WAV", {"subtype": "PCM_U8"}),
    ],
)
def test_codecs_leave_it_alone(kind, codec, piece, heard):
    """A lossy copy is the same recording."""
    assert _distance(heard(piece), heard(piece, kind=kind, **codec)) <= SAME


@settings(max_examples=15)
@given(st.floats(-40, 0), st.floats(0.0, SECONDS - BLOCK_SECONDS - 0.5))
def test_gain_and_a_cut_anywhere_leave_it_alone(piece, heard, gain_db, cut_seconds):
    """A quieter copy that begins later, between any two frames, is the same recording at that offset."""
    cut = piece[round(cut_seconds * RATE) :] * np.float32(10 ** (gain_db / 20))
    assert _distance(heard(piece), heard(cut, subtype="PCM_24"), cut_seconds) <= SAME


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 48_000])
def test_sample_rate_leaves_it_alone(rate, piece, heard):
    """A copy at a telephone's or a studio's rate is the same recording."""
    assert _distance(heard(piece), heard(soxr.resample(piece, RATE, rate), rate)) <= SAME


def test_silence_at_the_start_shifts_it(piece, heard):
    """Padding of 1.7 s is found as an offset before the original's start."""
    padded = np.concatenate([np.zeros(round(1.7 * RATE), np.float32), piece])
    assert _distance(heard(piece), heard(padded), -1.7) <= SAME
    assert _distance(heard(piece), heard(padded)) > OTHER


@pytest.mark.parametrize("piece_number", range(4))
@pytest.mark.parametrize("instrument", ["organ", "reed"])
def test_levels_tell_instruments_apart(instrument, piece_number):
    """The same notes at the same times by another instrument run otherwise in level, though their bits are alike."""
    one, other = (FRONT_END.log_mel(play(piece_number, SECONDS, RATE, name), RATE) for name in ("piano", instrument))
    assert level_correlation(one, other, 0, LAYOUT) < 0.9
    assert level_correlation(one, one + 12, 0, LAYOUT) == pytest.approx(1.0)
    assert level_correlation(one[50:], one, -50, LAYOUT) == pytest.approx(1.0)
    assert level_correlation(one, one, 200, LAYOUT) == -1.0  # too little in common
    assert level_correlation(one * 0, one * 0, 0, LAYOUT) == pytest.approx(0.0, abs=1e-6)  # nothing moves


def test_other_piece_is_far_away_at_every_offset(piece, heard):
    """Another piece on the same instrument differs in a third of its bits, however it is shifted."""
    one, other = heard(piece), heard(play(2, SECONDS, RATE))
    assert min(bit_error_rate(one, other, offset, LAYOUT) for offset in range(-160, 160)) > OTHER


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE * 8, np.float32),
        np.full(RATE * 8, 0.5, np.float32),
        (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE * 8) / RATE)).astype(np.float32),
    ],
    ids=["silence", "constant", "tone"],
)
def test_what_does_not_change_is_like_nothing(samples, heard):
    """Silence, a constant and a steady tone have nothing to be recognised by: not even by themselves."""
    one = heard(samples)
    assert len(hashes(one, LAYOUT)[0]) == 0
    assert _distance(one, one) == 1.0


def test_noise_is_like_itself_alone(heard):
    """Two noises are two recordings; a copy of one is a copy."""
    noises = [0.1 * np.random.default_rng(seed).standard_normal(RATE * 8).astype(np.float32) for seed in (1, 2)]
    one, other = (heard(noise) for noise in noises)
    assert _distance(one, one) == 0.0
    assert _distance(one, other) > OTHER


def test_short_overlap_proves_nothing(piece, heard):
    """Less than 5 s in common are not enough, however equal."""
    one = heard(piece)
    late = round((SECONDS - BLOCK_SECONDS + 0.5) / LAYOUT.frame_seconds)
    assert bit_error_rate(one, one, late, LAYOUT) == 1.0
    assert len(fingerprint(np.zeros((LAYOUT.lag, 128), np.float32), LAYOUT).rising) == 0


@pytest.mark.parametrize(
    "front_end",
    [
        FrontEnd(22_050, 1024, 256, 96, 20.0, 11_025.0, 1.0, 600.0),
        FrontEnd(8_000, 256, 128, 40, 0.0, 4000.0, 1.0, 600.0),
        FrontEnd(44_100, 4096, 2048, 64, 0.0, 16_000.0, 1.0, 600.0),
        FrontEnd(8_000, 256, 128, 16, 0.0, 4000.0, 1.0, 600.0),
    ],
    ids=lambda front_end: f"{front_end.sample_rate} Hz, {front_end.n_mels} mels, hop {front_end.hop_length}",
)
def test_other_front_ends_will_do(front_end, piece, heard):
    """With finer, coarser or fewer mel bands and frames, a copy is near and another piece is far."""
    layout = Layout.of(front_end)
    one = heard(piece, front_end=front_end)
    copy = heard(piece * np.float32(0.3), front_end=front_end, kind="OGG", compression_level=0.4)
    assert _distance(one, copy, layout=layout) <= SAME
    assert _distance(one, heard(play(2, SECONDS, RATE), front_end=front_end), layout=layout) > OTHER
    assert len(hashes(one, layout)[0]) > 0


def test_too_few_bands_give_no_bits():
    """With six mel bands recordings cannot be told apart, and the layout says so."""
    assert Layout.of(FrontEnd(8_000, 256, 128, 6, 0.0, 4000.0, 1.0, 600.0)).bits == 0
