"""Clips made of the demo catalogue's audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def write_clips(
    folder: Path, sources: list[Path], *, count: int, seconds: float, sample_rate: int, channels: int
) -> list[Path]:
    """Write `count` different mp3 clips of `seconds` each and return their paths.

    Args:
        folder: to write into.
        sources: rendered tracks; a clip is as many of them in a row as it takes.
        count: number of clips.
        seconds: length of a clip.
        sample_rate: of the clips, in Hz.
        channels: of the clips; the second is a little later and quieter than the first.
    """
    paths = []
    for number in range(count):
        samples = _samples(sources, number * len(sources) // count, seconds, sample_rate)
        if channels == 2:  # noqa: PLR2004 - stereo
            samples = np.stack([samples, 0.9 * np.roll(samples, sample_rate // 2000)], axis=1)
        path = folder / f"{number:03d}.mp3"
        soundfile.write(path, samples, sample_rate, format="MP3")
        paths.append(path)
    return paths


def write_short_tracks(folder: Path, sources: list[Path], *, count: int, seconds: float) -> None:
    """Write `count` different short wav files, cut out of the rendered tracks at places of a seeded choice.

    Args:
        folder: to write into, a hundred files in each of its folders; made where it is not there.
        sources: rendered tracks, each longer than `seconds`.
        count: number of files.
        seconds: length of each.
    """
    generator = np.random.default_rng(count)
    for number in range(count):
        place = folder / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        source = sources[int(generator.integers(len(sources)))]
        with soundfile.SoundFile(source) as file:
            length = int(seconds * file.samplerate)
            file.seek(int(generator.integers(file.frames - length)))
            soundfile.write(place / f"{number:05d}.wav", file.read(length, dtype="int16"), file.samplerate)


def _samples(sources: list[Path], first: int, seconds: float, sample_rate: int) -> NDArray[np.float32]:
    parts: list[NDArray[np.float32]] = []
    needed, number = int(seconds * sample_rate), first
    while sum(len(part) for part in parts) < needed:
        samples, rate = soundfile.read(sources[number % len(sources)], dtype="float32", always_2d=True)
        parts.append(soxr.resample(samples.mean(axis=1), rate, sample_rate))
        number += 1
    return np.concatenate(parts)[:needed]
