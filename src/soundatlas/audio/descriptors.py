"""Numbers that say in words how a whole track sounds: how dense, how bouncy, how noisy, how regular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERCUSSIVE_BANDS, HARMONIC_SECONDS = 17, 1.0  # lengths of the two median filters
AUDIBLE_DB = 40.0  # below its loudest frame or cell, a track counts as silent there
LEAST_RISE_DB = 0.3  # of the mean band: a smaller rise is no onset
LEAST_GAP_SECONDS = 0.06  # between two onsets
LEVELLED_SECONDS = 1.0  # an onset is what stands out of a second around it
PULSE_SECONDS = (0.25, 2.0)  # between two beats: 240 to 30 a minute
SILENT = 1e-12

DESCRIPTORS = (
    "percussive_share",
    "spectral_flatness",
    "onset_rate",
    "onset_strength",
    "spectral_change",
    "density",
    "pulse_clarity",
)


def describe_sound(log_mel: NDArray[np.float32], frames_per_second: float) -> dict[str, float]:
    """Describe a whole track.

    Args:
        log_mel: dB, shape (frames, n_mels); one frame suffices.
        frames_per_second: of it.

    Returns:
        `DESCRIPTORS`, by name. `percussive_share`: 0 to 1, of the power, that stands in columns of the spectrogram and
        not in rows (median filters and soft mask: Fitzgerald, DAFx 2010). `spectral_flatness`: dB, geometric over
        arithmetic mean of the bands, 0 is white noise (Johnston, IEEE JSAC 6(2), 1988). `onset_rate`: notes that begin,
        per second; `onset_strength`: dB, the mean rise at them (spectral flux: Dixon, DAFx 2006). `spectral_change`:
        dB, standard deviation of the bands' change from frame to frame. `density`: share of the cells that are
        audible. `pulse_clarity`: how alike the onsets are to themselves a beat later, at the best beat (the tempogram's
        maximum: Lartillot et al., ISMIR 2008).
    """
    power = 10 ** (log_mel.astype(np.float64) / 10)
    loudness = 10 * np.log10(power.sum(axis=1) + SILENT)
    audible = loudness >= loudness.max() - AUDIBLE_DB
    flatness = log_mel.mean(axis=1, dtype=np.float64) - 10 * np.log10(power.mean(axis=1) + SILENT)
    rise = np.maximum(np.diff(log_mel, axis=0, prepend=log_mel[:1]), 0.0).mean(axis=1, dtype=np.float64)
    onsets = _onsets(rise, frames_per_second)
    return {
        "percussive_share": _percussive_share(power, frames_per_second),
        "spectral_flatness": float(flatness[audible].mean()),
        "onset_rate": len(onsets) * frames_per_second / len(log_mel),
        "onset_strength": float(rise[onsets].mean()) if len(onsets) else 0.0,
        "spectral_change": float(np.diff(log_mel, axis=0, prepend=log_mel[:1]).std(dtype=np.float64)),
        "density": float((log_mel >= log_mel.max() - AUDIBLE_DB).mean()),
        "pulse_clarity": _pulse_clarity(rise, frames_per_second),
    }


def _percussive_share(power: NDArray[np.float64], frames_per_second: float) -> float:
    from librosa.decompose import hpss

    along_time = max(3, round(HARMONIC_SECONDS * frames_per_second) | 1)
    harmonic, percussive = hpss(np.sqrt(power).T, kernel_size=(along_time, PERCUSSIVE_BANDS))
    whole = float((harmonic**2).sum() + (percussive**2).sum())
    return float((percussive**2).sum()) / max(whole, SILENT)


def _onsets(rise: NDArray[np.float64], frames_per_second: float) -> NDArray[np.int64]:
    """Return the frames in which notes begin."""
    distance = max(1, round(LEAST_GAP_SECONDS * frames_per_second))
    found, _ = find_peaks(rise, prominence=LEAST_RISE_DB + 0.5 * float(rise.std()), distance=distance)
    return np.asarray(found)


def _pulse_clarity(rise: NDArray[np.float64], frames_per_second: float) -> float:
    first, last = (round(seconds * frames_per_second) for seconds in PULSE_SECONDS)
    level = rise - uniform_filter1d(rise, max(1, round(LEVELLED_SECONDS * frames_per_second)))
    energy = float(level @ level)
    if energy < SILENT or len(level) <= first:
        return 0.0
    spectrum = np.fft.rfft(level, 2 * len(level))
    alike = np.fft.irfft(np.abs(spectrum) ** 2, 2 * len(level))[first : min(last, len(level) - 1) + 1]
    return float(alike.max() / energy)
