"""Log-mels of mix and stems, side by side."""

from __future__ import annotations

import mixes
import numpy as np
import pytest
import soundfile

from soundatlas.audio.separate import FOREGROUND, HARMONIC, PERCUSSIVE, STEMS, Separation, transform
from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.stems import MIX, StemFrontEnd, analyse_stems, log_mel_of
from soundatlas.errors import TrackError

FRONT_END = FrontEnd(
    sample_rate=16_000, n_fft=2048, hop_length=512, n_mels=64, fmin=0.0, fmax=8000.0, min_seconds=1.0, max_seconds=8.0
)
ALL = StemFrontEnd(FRONT_END, STEMS, Separation())


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Give a file of 10 s, of which the front end hears 8: chords and strokes, stereo, at another rate than its own."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    mix = sum(mixes.chords_and_strokes(10))
    soundfile.write(path, np.stack([mix, mix], axis=1), 22_050, subtype="FLOAT")
    return path


def test_the_mix_is_first_and_as_ever(clip):
    """Channel 0 is bit by bit what a model without stems hears, and every stem has its frames."""
    found, mix = analyse_stems(clip, ALL), analyse_file(clip, FRONT_END)
    assert found.log_mel.shape == (*mix.log_mel.shape, 1 + len(STEMS))
    assert found.log_mel.dtype == np.float32
    np.testing.assert_array_equal(found.log_mel[..., MIX], mix.log_mel)
    assert (found.duration_seconds, found.source_sample_rate, found.channels) == (
        mix.duration_seconds,
        mix.source_sample_rate,
        mix.channels,
    )


def test_stems_are_parts_of_the_mix(clip):
    """No stem is louder than the mix in any cell, and the order of the channels is that of the settings."""
    found = analyse_stems(clip, ALL).log_mel
    assert (found[..., 1:] <= found[..., [MIX]] + 0.01).all()  # dB
    swapped = analyse_stems(clip, StemFrontEnd(FRONT_END, (PERCUSSIVE, HARMONIC), Separation())).log_mel
    np.testing.assert_array_equal(swapped[..., 1], found[..., 1 + STEMS.index(PERCUSSIVE)])
    np.testing.assert_array_equal(swapped[..., 2], found[..., 1 + STEMS.index(HARMONIC)])


def test_a_stem_that_holds_everything_is_the_mix():
    """The log-mel of a whole transform is the front end's own, within the house's 1e-3 dB."""
    noise = np.random.default_rng(1).normal(0, 0.01, 4 * mixes.RATE).astype(np.float32)
    samples = sum(mixes.band_and_tune(4)) + noise
    whole = log_mel_of(np.abs(transform(samples, FRONT_END.n_fft, FRONT_END.hop_length)), FRONT_END)
    np.testing.assert_allclose(whole, FRONT_END.log_mel(samples, mixes.RATE), atol=1e-3)


def test_contract_names_stems_and_settings():
    """It comes back from its own contract; another order, margin or front end is another contract."""
    assert StemFrontEnd.from_contract(ALL.contract()) == ALL
    others = [
        StemFrontEnd(FRONT_END, STEMS[::-1], Separation()),
        StemFrontEnd(FRONT_END, STEMS, Separation(margin_foreground=5.0)),
        StemFrontEnd(FrontEnd(**{**vars(FRONT_END), "n_mels": 32}), STEMS, Separation()),
    ]
    assert len({each.sha256() for each in (ALL, *others)}) == 4


@pytest.mark.parametrize("changed", [{"separation": {**Separation().contract(), "hpss_kernel": 17}}, {"amin": 1e-5}])
def test_contract_of_other_code_is_refused(changed):
    """What this code would compute otherwise is not taken for its own."""
    with pytest.raises(ValueError, match="defined otherwise"):
        StemFrontEnd.from_contract({**ALL.contract(), **changed})


def test_too_short_is_refused(tmp_path):
    """A file that is too short for the mix is too short for its stems."""
    soundfile.write(tmp_path / "a.wav", np.zeros(8_000), 16_000)
    with pytest.raises(TrackError, match="too_short"):
        analyse_stems(tmp_path / "a.wav", StemFrontEnd(FRONT_END, (FOREGROUND,), Separation()))
