"""Harmony and melody of a track in numbers that stay the same when it is transposed: which intervals sound, and follow.

A composer's habits lie in intervals rather than in notes; timbre, which rules a spectrogram, is taken out first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

LOWEST, SEMITONES = 45, 60  # MIDI note numbers from A2, 110 Hz: five octaves; above lie mostly overtones
A4, A4_HERTZ, OCTAVE = 69, 440.0, 12
WHITENING = 13  # semitones: what stands out of an octave around it is a note or an overtone, the rest is timbre
WIDEST = 24  # semitones, the largest interval that is counted
LAGS_SECONDS = (0.128, 0.256, 0.512, 1.024, 2.048)  # from what sounds to what follows: from fast notes to bars
CHROMA_FOURIER = OCTAVE // 2
SILENT = 1e-6

INTERVALS_SIZE = (WIDEST + 1) + len(LAGS_SECONDS) * (2 * WIDEST + 1 + OCTAVE) + 3 * CHROMA_FOURIER + OCTAVE


def track_intervals(log_mel: NDArray[np.float32], front_end: FrontEnd) -> NDArray[np.float64]:
    """Describe the intervals of a whole track.

    Per lag from 0 to 2 s the correlation of the pitches that sound now with those that sound then, by their distance
    in semitones; the same of the pitch classes, by their distance around the octave; the magnitudes of the pitch
    classes' Fourier transform, which tell e.g. diatonic from chromatic (Quinn, Perspectives of New Music 2006; Yust,
    J. Music Theory 2019); and how unevenly the pitch classes are used.

    Args:
        log_mel: dB, shape (frames, n_mels); one frame suffices.
        front_end: that made it.

    Returns:
        float64, shape (`INTERVALS_SIZE`,).
    """
    pitches = pitch_salience(log_mel, front_end)
    lags = [max(1, round(seconds * front_end.frames_per_second)) for seconds in LAGS_SECONDS]
    return np.concatenate([_pitch_intervals(pitches, lags), *_pitch_classes(pitches, lags)])


def pitch_salience(log_mel: NDArray[np.float32], front_end: FrontEnd) -> NDArray[np.float64]:
    """Return by how much each semitone stands out of the octave around it, dB, shape (frames, SEMITONES), from 0."""
    levels = log_mel @ _semitone_weights(front_end)
    return np.asarray(np.maximum(levels - uniform_filter1d(levels, WHITENING, axis=1), 0.0))


@lru_cache(maxsize=8)
def _semitone_weights(front_end: FrontEnd) -> NDArray[np.float64]:
    """Return the weights that read the level at each semitone between two mel bands, shape (n_mels, SEMITONES)."""
    notes = LOWEST + np.arange(SEMITONES)
    hertz = A4_HERTZ * 2.0 ** ((notes - A4) / OCTAVE)
    bands = front_end.band_hertz()
    return np.stack([np.interp(hertz, bands, one) for one in np.eye(len(bands))])


def _pitch_intervals(pitches: NDArray[np.float64], lags: list[int]) -> NDArray[np.float64]:
    """Return per lag the share of each interval, downwards and upwards; at lag 0 both are the same."""
    notes = np.arange(pitches.shape[1])
    steps = (notes[None, :] - notes[:, None] + pitches.shape[1] - 1).ravel()  # from the lowest to the highest: 0
    unison = pitches.shape[1] - 1
    power = max(float(np.square(pitches).sum()), SILENT)
    rows = []
    for lag in (0, *lags):
        together = pitches[: max(0, len(pitches) - lag)].T @ pitches[lag:]  # from note to note
        shares = np.bincount(steps, weights=together.ravel()) / power
        rows.append(shares[unison - (WIDEST if lag else 0) : unison + WIDEST + 1])
    return np.concatenate(rows)


def _pitch_classes(pitches: NDArray[np.float64], lags: list[int]) -> list[NDArray[np.float64]]:
    chroma = pitches.reshape(len(pitches), -1, OCTAVE).sum(axis=1)
    chroma = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), SILENT)
    spectrum, whole = np.fft.rfft(chroma, axis=1), chroma.mean(axis=0)
    magnitudes = np.abs(spectrum[:, 1:])
    rows = [magnitudes.mean(axis=0), magnitudes.std(axis=0), np.abs(np.fft.rfft(whole))[1:], np.sort(whole)]
    for lag in lags:
        now, then = spectrum[: max(0, len(spectrum) - lag)], spectrum[lag:]
        rows.append(np.fft.irfft((np.conj(now) * then).sum(axis=0) / max(1, len(now)), OCTAVE))
    return rows
