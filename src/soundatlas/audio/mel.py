"""The mel scale and its bands after Slaney's Auditory Toolbox (1998), as librosa's default defines them.

Written out, since importing librosa costs every worker process a second and more; the tests compare with librosa.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERTZ_PER_MEL = 200 / 3  # below the break
BREAK_HERTZ = 1000.0  # linear below, logarithmic above
BREAK_MEL = BREAK_HERTZ / HERTZ_PER_MEL
LOG_STEP = np.log(6.4) / 27  # natural logarithm of the ratio of two frequencies a mel apart, above the break


def mel_of(hertz: float) -> float:
    """Return a frequency's place on the mel scale."""
    if hertz < BREAK_HERTZ:
        return hertz / HERTZ_PER_MEL
    return BREAK_MEL + float(np.log(hertz / BREAK_HERTZ) / LOG_STEP)


def hertz_of(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frequencies of places on the mel scale, in Hz."""
    above = BREAK_HERTZ * np.exp(LOG_STEP * (mels - BREAK_MEL))
    return np.where(mels < BREAK_MEL, mels * HERTZ_PER_MEL, above)


def mel_edges(n_mels: int, fmin: float, fmax: float) -> NDArray[np.float64]:
    """Return the frequencies at which the bands begin, peak and end, equally far apart in mels.

    Returns:
        Hz, shape (n_mels + 2,): band i begins at [i], peaks at [i + 1] and ends at [i + 2].
    """
    return hertz_of(np.linspace(mel_of(fmin), mel_of(fmax), n_mels + 2))


@lru_cache(maxsize=8)
def mel_weights(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> sparse.csr_array:
    """Return the triangular bands' weights over the bins of a power spectrum, each band of unit area over frequency.

    Args:
        sample_rate: in Hz.
        n_fft: length of the transform in samples.
        n_mels: number of bands.
        fmin: where the lowest band begins, in Hz.
        fmax: where the highest band ends, in Hz.

    Returns:
        float32, shape (n_mels, n_fft // 2 + 1). Few bins lie within a band: most weights are 0.
    """
    edges = mel_edges(n_mels, fmin, fmax)
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (peak - low), (high - bins) / (high - peak)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return sparse.csr_array((triangles * (2 / (high - low))).astype(np.float32))
