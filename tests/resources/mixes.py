"""Mixes whose parts are known: a band that plays the same bar again and again under a tune, and chords with strokes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000  # Hz
CHORDS = ((220, 277, 330), (196, 247, 294), (175, 220, 262), (196, 247, 330))  # Hz, half a second each


def tone(hertz: float, seconds: float, *, level: float, vibrato: float = 0.0, partials: int = 3) -> NDArray[np.float64]:
    """Return a tone with a soft beginning and end."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * (time + vibrato * np.sin(2 * np.pi * 5.5 * time) / (2 * np.pi * 5.5))
    sound = sum(np.sin(number * phase) / number for number in range(1, partials + 1))
    return level * sound * np.clip(np.minimum(time, seconds - time) / 0.02, 0, 1)


def band_and_tune(seconds: int, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a band that repeats a bar of two seconds, and a tune that never comes back: shape (samples,) each."""
    generator = np.random.default_rng(seed)
    bar = np.zeros(2 * RATE)
    for beat, chord in enumerate(CHORDS):
        for hertz in chord:
            bar[beat * RATE // 2 :][: RATE // 2] += tone(hertz, 0.5, level=0.06)
    for stroke in range(8):
        bar[stroke * RATE // 4 :][:2000] += np.exp(-np.arange(2000) / 300) * generator.normal(0, 0.2, 2000)
    band, tune, here = np.tile(bar, seconds // 2), np.zeros(seconds * RATE), 0
    while here < len(tune) - RATE:
        note = tone(generator.uniform(500, 1500), generator.uniform(0.25, 0.5), level=0.12, vibrato=0.01, partials=4)
        tune[here : here + len(note)] += note
        here += len(note) + int(generator.uniform(0.2, 0.6) * RATE)
    return band.astype(np.float32), tune.astype(np.float32)


def chords_and_strokes(seconds: int, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return long chords, and strokes of a drum: shape (samples,) each."""
    generator = np.random.default_rng(seed)
    held, struck = np.zeros(seconds * RATE), np.zeros(seconds * RATE)
    for second in range(seconds):
        for hertz in CHORDS[second % len(CHORDS)]:
            held[second * RATE :][:RATE] += tone(hertz, 1.0, level=0.08)
    for start in range(0, len(struck) - 2000, RATE // 4):
        struck[start : start + 2000] += np.exp(-np.arange(2000) / 200) * generator.normal(0, 0.3, 2000)
    return held.astype(np.float32), struck.astype(np.float32)


def sdr(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Return the scale-invariant signal-to-distortion ratio, dB (Le Roux et al., ICASSP 2019)."""
    target = (found @ wanted) / (wanted @ wanted) * wanted.astype(np.float64)
    return float(10 * np.log10((target @ target) / ((found - target) @ (found - target))))
