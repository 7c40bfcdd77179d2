"""Taking a mix apart: what comes out, against known parts and against librosa's own calls."""

from __future__ import annotations

import librosa
import mixes
import numpy as np
import pytest

from soundatlas.audio.separate import (
    BACKGROUND,
    FOREGROUND,
    HARMONIC,
    HOP_LENGTH,
    N_FFT,
    PERCUSSIVE,
    STEMS,
    Separation,
    repeating_part,
    separate,
    separate_samples,
    stem_masks,
    transform,
)

FRAMES_PER_SECOND = mixes.RATE / HOP_LENGTH
PLAIN = Separation()


@pytest.fixture(scope="module")
def song():
    """Give 16 s of a band under a tune: band, tune, and the magnitude of their sum."""
    band, tune = mixes.band_and_tune(16)
    return band, tune, np.abs(transform(band + tune, N_FFT, HOP_LENGTH))


def test_band_and_tune_come_apart(song):
    """Of a band that repeats itself under a tune that does not, each is far purer than in the mix."""
    band, tune, _ = song
    stems = separate_samples(band + tune, mixes.RATE, (FOREGROUND, BACKGROUND), PLAIN)
    assert mixes.sdr(tune, stems[FOREGROUND]) > mixes.sdr(tune, band + tune) + 10  # dB
    assert mixes.sdr(band, stems[BACKGROUND]) > mixes.sdr(band, band + tune) + 4
    assert mixes.sdr(band, stems[FOREGROUND]) < 0
    assert mixes.sdr(tune, stems[BACKGROUND]) < 0


def test_chords_and_strokes_come_apart():
    """Long chords are harmonic, strokes of a drum percussive, and both together are the mix again."""
    held, struck = mixes.chords_and_strokes(6)
    mix = held + struck
    stems = separate_samples(mix, mixes.RATE, (HARMONIC, PERCUSSIVE), PLAIN)
    assert mixes.sdr(held, stems[HARMONIC]) > mixes.sdr(held, mix) + 10  # dB
    assert mixes.sdr(struck, stems[PERCUSSIVE]) > mixes.sdr(struck, mix) + 15
    np.testing.assert_allclose(stems[HARMONIC] + stems[PERCUSSIVE], mix, atol=1e-5)


def test_foreground_and_background_are_librosas_recipe(song):
    """The masks are those of the calls that librosa's documentation strings together: nn_filter, minimum, softmask."""
    magnitude = song[2]
    width = int(librosa.time_to_frames(2, sr=mixes.RATE, hop_length=HOP_LENGTH))
    found = librosa.decompose.nn_filter(magnitude, aggregate=np.median, metric="cosine", width=width)
    found = np.minimum(magnitude, found)
    background = librosa.util.softmask(found, 2 * (magnitude - found), power=2)
    foreground = librosa.util.softmask(magnitude - found, 10 * found, power=2)
    masks = stem_masks(magnitude, (BACKGROUND, FOREGROUND), FRAMES_PER_SECOND, PLAIN)
    np.testing.assert_array_equal(masks[BACKGROUND], background)
    np.testing.assert_array_equal(masks[FOREGROUND], foreground)


def test_harmonic_and_percussive_are_librosas(song):
    """Both parts are those of `librosa.decompose.hpss`, of the complex transform."""
    band, tune, _ = song
    spectrum = transform((band + tune)[: 5 * mixes.RATE], N_FFT, HOP_LENGTH)
    parts = separate(spectrum, (HARMONIC, PERCUSSIVE), FRAMES_PER_SECOND, PLAIN)
    for stem, expected in zip((HARMONIC, PERCUSSIVE), librosa.decompose.hpss(spectrum), strict=True):
        np.testing.assert_allclose(parts[stem], expected, atol=1e-4)


def test_shares_never_make_more_than_the_mix(song):
    """Each share is between none and all; foreground, background and a remainder that is nowhere negative add up."""
    magnitude = song[2][:, :200]
    masks = stem_masks(magnitude, STEMS, FRAMES_PER_SECOND, PLAIN)
    assert tuple(masks) == STEMS
    assert all(((mask >= 0) & (mask <= 1)).all() for mask in masks.values())
    np.testing.assert_allclose(masks[HARMONIC] + masks[PERCUSSIVE], 1, atol=1e-5)
    assert (masks[FOREGROUND] + masks[BACKGROUND] <= 1 + 1e-6).all()


@pytest.mark.parametrize("seconds", [0.05, 0.14, 0.5, 3.0, 4.1])
def test_short_clips_are_taken_apart_too(seconds):
    """A clip of at most twice the width, even of a few frames, gives stems of its own length."""
    band, tune = mixes.band_and_tune(6)
    clip = (band + tune)[: int(seconds * mixes.RATE)]
    stems = separate_samples(np.pad(clip, (0, max(0, N_FFT - len(clip)))), mixes.RATE, STEMS, PLAIN)
    for samples in stems.values():
        assert len(samples) == max(N_FFT, len(clip))
        assert np.isfinite(samples).all()


def test_too_few_frames_are_all_background():
    """Where no frame has another one to be compared with, everything counts as repeating."""
    magnitude = np.random.default_rng(1).random((8, 4)).astype(np.float32)
    np.testing.assert_array_equal(repeating_part(magnitude, 62), magnitude)
    masks = stem_masks(magnitude, (FOREGROUND, BACKGROUND), FRAMES_PER_SECOND, PLAIN)
    assert (masks[FOREGROUND] == 0).all()
    assert (masks[BACKGROUND] == 1).all()


def test_silence_has_silent_stems():
    """Digital silence gives silence and no NaN."""
    for samples in separate_samples(np.zeros(5 * mixes.RATE, np.float32), mixes.RATE, STEMS, PLAIN).values():
        assert (samples == 0).all()


def test_long_pieces_are_taken_apart_in_equal_blocks(song):
    """With blocks of 4 s, 10 s are three equal blocks, each of which is what it would be alone."""
    spectrum = song[2][:, :312]
    settings = Separation(block_seconds=4.0)
    whole = separate(spectrum, STEMS, FRAMES_PER_SECOND, settings)
    for start in (0, 104, 208):
        alone = separate(spectrum[:, start : start + 104], STEMS, FRAMES_PER_SECOND, settings)
        for stem in STEMS:
            np.testing.assert_array_equal(whole[stem][:, start : start + 104], alone[stem])


@pytest.mark.parametrize(
    ("setting", "stem"),
    [("margin_background", BACKGROUND), ("margin_foreground", FOREGROUND)],
)
def test_a_wider_margin_takes_less(song, setting, stem):
    """The surer a part must be, the less of the mix it gets."""
    magnitude = song[2][:, :200]
    loose, strict = (
        stem_masks(magnitude, (stem,), FRAMES_PER_SECOND, Separation(**{setting: margin}))[stem].sum()
        for margin in (1.0, 50.0)
    )
    assert strict < 0.9 * loose
