"""Small audio files with tags, and folders of them, as people have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mutagen
import mutagen.id3
import numpy as np
import soundfile
from mutagen.mp3 import MP3
from mutagen.wave import WAVE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16_000
FRAMES = {
    "artist": mutagen.id3.TPE1,
    "album": mutagen.id3.TALB,
    "title": mutagen.id3.TIT2,
    "genre": mutagen.id3.TCON,
    "date": mutagen.id3.TDRC,
    "isrc": mutagen.id3.TSRC,
    "bpm": mutagen.id3.TBPM,
}
LATIN_1, UTF_8 = 0, 3  # as ID3 numbers encodings


def tone(seconds: float = 1.2, pitch: float = 220.0, *, level: float = 0.3) -> NDArray[np.float32]:
    """Return a tone in a little noise, shape (samples,)."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(int(pitch)).standard_normal(len(time))
    return (level * (np.sin(2 * np.pi * pitch * time) + 0.05 * noise)).astype(np.float32)


def write_music(
    path: Path, samples: NDArray[np.float32] | None = None, *, encoding: int = UTF_8, **tags: str | list[str]
) -> Path:
    """Write a file in the format of its suffix, with tags; the name decides how it sounds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = tone(pitch=200.0 + sum(path.name.encode()) % 400) if samples is None else samples
    kind = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
    soundfile.write(path, sound, RATE, **kind)
    if tags:
        write_tags(path, encoding=encoding, **tags)
    return path


def write_tags(path: Path, *, encoding: int = UTF_8, **tags: str | list[str]) -> None:
    """Write tags into a file, in whichever format it has."""
    if path.suffix in {".mp3", ".wav"}:
        file = (MP3 if path.suffix == ".mp3" else WAVE)(path)
        file.add_tags()
        for name, text in tags.items():
            file.tags.add(FRAMES[name](encoding=encoding, text=text))
    else:
        file = mutagen.File(path)
        for name, text in tags.items():
            file[name] = text
    file.save()
