"""A track in some thousand numbers that need no training: its sound, its intervals and its pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import welch

from soundatlas.learning.intervals import INTERVALS_SIZE, track_intervals
from soundatlas.learning.pulse import TEMPOGRAM_SIZE, onset_autocorrelation, tempogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

SEGMENT_SECONDS = 16.0  # of the rhythm's analysis: longer tracks are averaged over segments
BAND_GROUPS = 16  # neighbouring mel bands whose loudness moves together
MODULATION_BANDS = 16
FASTEST_MODULATION = 8.0  # Hz; note onsets are rarely faster (fluctuation patterns: Pampalk et al., ACM MM 2002)
SHAPE = 40  # of the spectrum's own Fourier components; their magnitude does not move with the pitch
FLOOR = 1e-6  # under the logarithm of a power that may be zero


def track_statistics(log_mel: NDArray[np.float32], front_end: FrontEnd) -> NDArray[np.float32]:
    """Describe a whole track.

    Three groups, one after another: how it sounds (`track_sound`), which intervals it is made of (`track_intervals`),
    and its pulse (`tempogram`). They differ in size and not in worth: see `statistics_groups`.

    Args:
        log_mel: dB, shape (frames, n_mels); one frame suffices.
        front_end: that made it.

    Returns:
        float32, shape (sum of `statistics_groups(n_mels)`,).
    """
    rate = front_end.frames_per_second
    pulse = tempogram(onset_autocorrelation(log_mel, rate), rate)
    return np.concatenate([track_sound(log_mel, rate), track_intervals(log_mel, front_end), pulse]).astype(np.float32)


def statistics_groups(n_mels: int) -> tuple[int, int, int]:
    """Return the number of values per group for spectrograms with so many bands."""
    return 3 * n_mels + BAND_GROUPS * MODULATION_BANDS + SHAPE, INTERVALS_SIZE, TEMPOGRAM_SIZE


def track_sound(log_mel: NDArray[np.float32], frames_per_second: float) -> NDArray[np.float64]:
    """Return level, change and rhythm of the mel bands, and their shape.

    Mean, standard deviation and frame-to-frame change of every band; the power of the loudness' movement from 0 to
    8 Hz in 16 groups of bands; and the magnitude of the Fourier transform along the lowest 2 x SHAPE bands (80, up to
    2.5 kHz with the default front end), which says how the spectrum is shaped there, wherever it lies.
    """
    level = log_mel.mean(axis=0, dtype=np.float64)
    spread = log_mel.std(axis=0, dtype=np.float64)
    change = np.diff(log_mel, axis=0, prepend=log_mel[:1]).std(axis=0, dtype=np.float64)
    moving = log_mel - level
    shape = np.abs(np.fft.rfft(moving, n=2 * SHAPE, axis=1))[:, :SHAPE].mean(axis=0)
    return np.concatenate([level, spread, change, _rhythm(moving, frames_per_second).ravel(), np.log1p(shape)])


def _rhythm(moving: NDArray[np.float64], frames_per_second: float) -> NDArray[np.float64]:
    """Return log power per modulation band and group of mel bands, shape (MODULATION_BANDS, BAND_GROUPS)."""
    members = np.array_split(np.eye(moving.shape[1]), BAND_GROUPS, axis=1)
    groups = moving @ np.stack([part.mean(axis=1) for part in members], axis=1)  # each group's mean
    segment = int(SEGMENT_SECONDS * frames_per_second)
    padded = np.pad(groups, ((0, max(0, segment - len(groups))), (0, 0)))
    frequencies, power = welch(padded, fs=frames_per_second, nperseg=segment, axis=0)
    edges = np.linspace(0.0, FASTEST_MODULATION, MODULATION_BANDS + 1)
    bands = np.digitize(frequencies, edges[1:])
    rows = [
        power[bands == band].mean(axis=0) if (bands == band).any() else 0 * power[0] for band in range(MODULATION_BANDS)
    ]
    return np.log(np.stack(rows) + FLOOR)
