"""The mel scale and its bands, against librosa's."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.audio.mel import hertz_of, mel_bands, mel_edges, mel_of, mel_weights


@given(st.floats(0, 96_000))
def test_scale_is_librosas_and_reversible(hertz) -> None:
    """A frequency has librosa's place on the scale, and the place leads back to the frequency."""
    assert mel_of(hertz) == pytest.approx(float(librosa.hz_to_mel(hertz)), rel=1e-9, abs=1e-9)
    assert float(hertz_of(np.array(mel_of(hertz)))) == pytest.approx(hertz, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels", "fmin", "fmax"),
    [(16_000, 2048, 128, 0.0, 8_000.0), (22_050, 512, 96, 0.0, 8_000.0), (44_100, 4096, 40, 27.5, 16_000.0)],
)
def test_bands_are_librosas(sample_rate, n_fft, n_mels, fmin, fmax) -> None:
    """Edges and weights are librosa's to the last float32 digits, and almost all weights are 0."""
    expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    weights = mel_weights(sample_rate, n_fft, n_mels, fmin, fmax)
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(
        mel_edges(n_mels, fmin, fmax), librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax), rtol=1e-9
    )
    assert np.count_nonzero(weights) < 0.1 * expected.size


@pytest.mark.parametrize(("n_fft", "n_mels"), [(2048, 128), (512, 90), (256, 129), (64, 1)])
def test_groups_of_bands_are_the_weights_and_little_else(n_fft, n_mels) -> None:
    """Put together, the groups weigh every bin as the whole does, though some bands may weigh none at all."""
    weights = mel_weights(16_000, n_fft, n_mels, 0.0, 8_000.0)
    found = np.zeros_like(weights)
    for group in mel_bands(16_000, n_fft, n_mels, 0.0, 8_000.0):
        found[group.bands, group.bins] = group.weights.T
    np.testing.assert_array_equal(found, weights)
