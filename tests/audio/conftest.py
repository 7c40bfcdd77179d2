"""Sounds and files for the front end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]


@pytest.fixture(scope="session")
def sound() -> Callable[..., Sound]:
    """Give a function that makes a tone in noise, one pitch per channel: shape (samples, channels)."""

    def make(seconds: float, sample_rate: int, channels: int = 1, *, seed: int = 0) -> Sound:
        time = np.arange(round(seconds * sample_rate))[:, None] / sample_rate
        pitches = 220.0 * (1 + np.arange(channels))
        noise = np.random.default_rng(seed).standard_normal((len(time), channels))
        return (0.3 * np.sin(2 * np.pi * pitches * time) + 0.02 * noise).astype(np.float32)

    return make


@pytest.fixture
def audio_file(tmp_path: Path, sound: Callable[..., Sound]) -> Callable[..., Path]:
    """Give a function that writes a sound, by default one second of it, and returns the file's path."""

    def write(
        name: str,
        samples: Sound | None = None,
        sample_rate: int = 16_000,
        *,
        subtype: str | None = None,
    ) -> Path:
        path = tmp_path / name
        soundfile.write(path, sound(1.0, sample_rate) if samples is None else samples, sample_rate, subtype=subtype)
        return path

    return write
