"""Little pieces of music, made on the spot: seeded notes, played by instruments that differ in overtones and decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTRUMENTS = {  # loudness of the overtones, and how fast a note fades (1/s)
    "piano": ((1.0, 0.5, 0.35, 0.2, 0.1, 0.05), 4.0),
    "organ": ((1.0, 0.1, 0.6, 0.05, 0.4, 0.02), 0.3),
    "reed": ((0.3, 1.0, 0.2, 0.8, 0.1, 0.5), 1.0),
}
NOTE_SECONDS = 0.15
VOICES = 3


def play(piece: int, seconds: float, sample_rate: int, instrument: str = "piano") -> NDArray[np.float32]:
    """Play a piece: three voices of notes of random pitch and length, the same ones at any rate; shape (samples,)."""
    overtones, fading = INSTRUMENTS[instrument]
    generator = np.random.default_rng(piece)
    samples = np.zeros(round(seconds * sample_rate))
    for _ in range(VOICES):
        begin = 0.0
        while begin < seconds:
            pitch = 110.0 * 2 ** (generator.integers(0, 36) / 12)
            length, loudness = NOTE_SECONDS * generator.integers(1, 5), generator.uniform(0.5, 1.0)
            first, last = round(begin * sample_rate), min(len(samples), round((begin + length) * sample_rate))
            time = np.arange(last - first) / sample_rate
            tone = sum(
                level * np.sin(2 * np.pi * pitch * (number + 1) * time) for number, level in enumerate(overtones)
            )
            samples[first:last] += loudness * np.minimum(time * 100, 1) * np.exp(-fading * time) * tone
            begin += length
    return (0.5 * samples / np.abs(samples).max()).astype(np.float32)
