"""The pulse of a track: how alike its onsets are after a while, and the tempi that this speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_LAG_SECONDS = 10.0  # four beats of the slowest tempo, with some to spare
LEVELLED_SECONDS = 1.0  # an onset is what stands out of a second around it
TEMPOGRAM_BPM = (30.0, 480.0)  # from slow beats to fast notes
TEMPOGRAM_SIZE = 96  # logarithmic steps of 3 %
SLOWEST_BPM, FASTEST_BPM = 30.0, 260.0  # of a beat
TOLERANCE = 0.04  # within which a tempo is right: Gouyon et al., IEEE TASLP 14(5), 2006
MULTIPLES = (1, 2, 3, 4)  # beats over which a tempo is made precise
FINE_STEPS = np.exp(np.linspace(-0.02, 0.02, 21))
SILENT = 1e-9
SECONDS_PER_MINUTE = 60.0


def onset_autocorrelation(log_mel: NDArray[np.float32], frames_per_second: float) -> NDArray[np.float64]:
    """Return how alike the onset strength is to itself after each lag, 1 at lag 0.

    Onset strength is the rise in level from frame to frame, averaged over the bands (spectral flux: Dixon, DAFx 2006);
    its autocorrelation over lags is the tempogram of a whole track (Grosche et al., ICASSP 2010).

    Args:
        log_mel: dB, shape (frames, n_mels).
        frames_per_second: of it.

    Returns:
        shape (lags,), a lag per frame up to 10 s, 0 for lags that the track is too short for.
    """
    lags = int(LONGEST_LAG_SECONDS * frames_per_second)
    rise = np.maximum(np.diff(log_mel, axis=0, prepend=log_mel[:1]), 0.0).mean(axis=1, dtype=np.float64)
    onsets = rise - uniform_filter1d(rise, max(1, int(LEVELLED_SECONDS * frames_per_second)))
    spectrum = np.fft.rfft(onsets, 2 * len(onsets))
    sums = np.fft.irfft(np.abs(spectrum) ** 2, 2 * len(onsets))[: len(onsets)]
    means = sums / np.arange(len(onsets), 0, -1)
    found = means[:lags] / max(float(means[0]), SILENT)
    return np.pad(found, (0, lags - len(found)))


def tempogram(autocorrelation: NDArray[np.float64], frames_per_second: float) -> NDArray[np.float64]:
    """Return the autocorrelation at tempi from 30 to 480 a minute in equal steps of their logarithm.

    A piece played faster moves along this axis and keeps its pattern.

    Args:
        autocorrelation: from `onset_autocorrelation`.
        frames_per_second: of the spectrogram.

    Returns:
        shape (`TEMPOGRAM_SIZE`,).
    """
    return salience(autocorrelation, np.geomspace(*TEMPOGRAM_BPM, TEMPOGRAM_SIZE), frames_per_second)


def salience(
    autocorrelation: NDArray[np.float64], bpm: NDArray[np.float64], frames_per_second: float
) -> NDArray[np.float64]:
    """Return the autocorrelation after one beat of each tempo, read between frames; 0 beyond the longest lag."""
    lags = SECONDS_PER_MINUTE / bpm * frames_per_second
    return np.interp(lags, np.arange(len(autocorrelation)), autocorrelation, right=0.0)


def tempo_candidates(autocorrelation: NDArray[np.float64], frames_per_second: float) -> NDArray[np.float64]:
    """Return the tempi, in beats per minute, after whose beat the onsets are most alike; none for a track without any.

    Each peak's lag is made precise by a parabola and by the peaks at two, three and four times the lag: frames are too
    coarse (4 % of a beat at 120 a minute and 32 ms).
    """
    peaks, _ = find_peaks(autocorrelation)
    peaks = peaks[peaks > 1]
    before, there, after = (autocorrelation[peaks + step] for step in (-1, 0, 1))
    curve = np.minimum(before - 2 * there + after, -SILENT)
    rough = SECONDS_PER_MINUTE * frames_per_second / (peaks + (before - after) / (2 * curve))
    rough = rough[(rough > SLOWEST_BPM) & (rough < FASTEST_BPM)]
    fine = rough[:, None] * FINE_STEPS
    support = sum(salience(autocorrelation, fine / beats, frames_per_second) for beats in MULTIPLES)
    return np.asarray(fine[np.arange(len(fine)), np.argmax(support, axis=1)]) if len(fine) else rough
