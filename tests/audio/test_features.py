"""Hand-made features of a track."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from soundatlas.audio.features import N_MFCC, mfcc_statistics


def _log_mel(frames: int, n_mels: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-40, 15, (frames, n_mels)).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize("n_mels", [N_MFCC, 128])
def test_features_have_one_shape(frames, n_mels) -> None:
    """Tracks of any length give equally many finite numbers."""
    features = mfcc_statistics(_log_mel(frames, n_mels))
    assert features.shape == (4 * N_MFCC,)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_features_are_librosas_mfccs_over_time() -> None:
    """They are mean and deviation of librosa's MFCCs and of the changes from frame to frame, in that order."""
    log_mel = _log_mel(30)
    mfcc = librosa.feature.mfcc(S=log_mel.T, n_mfcc=N_MFCC)
    change = np.concatenate([np.zeros((N_MFCC, 1)), mfcc[:, 1:] - mfcc[:, :-1]], axis=1)
    expected = [mfcc.mean(axis=1), mfcc.std(axis=1), change.mean(axis=1), change.std(axis=1)]
    np.testing.assert_allclose(mfcc_statistics(log_mel), np.concatenate(expected), rtol=1e-5, atol=1e-4)


def test_level_is_in_the_first_coefficient_alone() -> None:
    """Turning a track up moves the mean of the first MFCC and nothing else."""
    quiet = mfcc_statistics(_log_mel(30))
    loud = mfcc_statistics(_log_mel(30) + np.float32(10))
    assert loud[0] - quiet[0] == pytest.approx(10 * np.sqrt(40), rel=1e-4)
    np.testing.assert_allclose(loud[1:], quiet[1:], atol=1e-3)


def test_order_of_frames_matters_only_to_the_changes() -> None:
    """Mean and deviation of the MFCCs do not see order; the changes do."""
    forward, shuffled = _log_mel(30), np.random.default_rng(5).permutation(_log_mel(30))
    one, other = mfcc_statistics(forward), mfcc_statistics(shuffled)
    np.testing.assert_allclose(one[: 2 * N_MFCC], other[: 2 * N_MFCC], rtol=1e-4, atol=1e-4)
    assert not np.allclose(one[3 * N_MFCC :], other[3 * N_MFCC :], rtol=1e-3)
