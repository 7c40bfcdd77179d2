"""Hand-made features of a whole track: what one would use instead of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_MFCC = 20  # the usual number for timbre (e.g. the FMA paper's features, arXiv 1612.01840)


def mfcc_statistics(log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return mean and standard deviation over time of the MFCCs and of their frame-to-frame differences.

    Args:
        log_mel: shape (frames, n_mels), dB.

    Returns:
        float32, shape (4 * N_MFCC,).
    """
    import librosa

    mfcc = librosa.feature.mfcc(S=log_mel.T, n_mfcc=N_MFCC)
    change = np.diff(mfcc, axis=1, prepend=mfcc[:, :1])
    parts = [mfcc.mean(axis=1), mfcc.std(axis=1), change.mean(axis=1), change.std(axis=1)]
    return np.concatenate(parts).astype(np.float32)
