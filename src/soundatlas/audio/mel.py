"""The mel scale and its bands after Slaney's Auditory Toolbox (1998), as librosa's default defines them.

Written out, since importing librosa costs every worker process a second and more, and SciPy's sparse matrices a tenth
of one; the tests compare with librosa.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERTZ_PER_MEL = 200 / 3  # below the break
BREAK_HERTZ = 1000.0  # linear below, logarithmic above
BREAK_MEL = BREAK_HERTZ / HERTZ_PER_MEL
LOG_STEP = np.log(6.4) / 27  # natural logarithm of the ratio of two frequencies a mel apart, above the break
BANDS_AT_ONCE = 16  # neighbours, which weigh much the same bins: one small dense product instead of a sparse one


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


def mel_weights(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> NDArray[np.float32]:
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
    return (triangles * (2 / (high - low))).astype(np.float32)


@dataclass(frozen=True)
class MelBands:
    """Some neighbouring bands, and the stretch of bins that any of them weighs.

    Attributes:
        bands: which ones.
        bins: of the power spectrum.
        weights: float32, shape (bins, bands).
    """

    bands: slice
    bins: slice
    weights: NDArray[np.float32]


@lru_cache(maxsize=8)
def mel_bands(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> tuple[MelBands, ...]:
    """Return the bands of `mel_weights` in groups, with hardly a bin that none of a group weighs."""
    weights = mel_weights(sample_rate, n_fft, n_mels, fmin, fmax)
    groups = []
    for start in range(0, n_mels, BANDS_AT_ONCE):
        bands = slice(start, min(start + BANDS_AT_ONCE, n_mels))
        weighed = np.flatnonzero(weights[bands].any(axis=0))  # none, where a band is narrower than a bin
        bins = slice(int(weighed[0]), int(weighed[-1]) + 1) if len(weighed) else slice(0, 0)
        groups.append(MelBands(bands, bins, np.ascontiguousarray(weights[bands, bins].T)))
    return tuple(groups)
