"""Audio files that went wrong: real ones of every kind that is read, changed as disks, networks and people do.

Each is a function of its seed and number, so that a file that is found to be a problem can be made again:

    python tests/resources/mutated_audio.py FOLDER SEED NUMBER
"""

from __future__ import annotations

import random
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from peak_memory import peak_bytes

from soundatlas.audio.spectrogram import FrontEnd, analyse_file

FORMATS = {  # name -> what soundfile is told
    "pcm16.wav": {"subtype": "PCM_16"},
    "float.wav": {"subtype": "FLOAT"},
    "adpcm.wav": {"subtype": "IMA_ADPCM"},
    "extensible.wav": {"format": "WAVEX", "subtype": "PCM_24"},
    "pcm16.flac": {"subtype": "PCM_16"},
    "vorbis.ogg": {"subtype": "VORBIS"},
    "opus.ogg": {"subtype": "OPUS"},
    "constant.mp3": {"bitrate_mode": "CONSTANT"},
    "variable.mp3": {"bitrate_mode": "VARIABLE"},
    "pcm16.aiff": {"subtype": "PCM_16"},
}
RATE = 16_000
FRONT_END = FrontEnd(
    sample_rate=16_000,
    n_fft=512,
    hop_length=256,
    n_mels=32,
    fmin=0.0,
    fmax=8_000.0,
    min_seconds=0.01,
    max_seconds=600.0,
)
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
FIELDS = {  # format -> (offset, struct format) of what headers say of sizes, channels, rates and bits
    ".wav": [(4, "<I"), (16, "<I"), (20, "<H"), (22, "<H"), (24, "<I"), (28, "<I"), (32, "<H"), (34, "<H"), (40, "<I")],
    ".aiff": [(4, ">I"), (16, ">I"), (20, ">H"), (22, ">I"), (26, ">H"), (28, ">I"), (42, ">I")],
    ".flac": [(4, ">I"), (8, ">H"), (10, ">H"), (18, ">I"), (20, ">I"), (22, ">I")],
    ".ogg": [(5, "<B"), (6, "<I"), (10, "<I"), (18, "<I"), (26, "<B"), (39, "<B"), (40, "<I"), (44, "<I"), (56, "<B")],
    ".mp3": [(0, ">I"), (1, ">H"), (2, ">B"), (3, ">B"), (4, ">I"), (36, ">I"), (44, ">I"), (48, ">I")],
}


@dataclass(frozen=True)
class Mutant:
    """A file that went wrong: the `number`th of a seed, to be made in a folder that `write_originals` filled."""

    folder: Path
    seed: int
    number: int

    def write(self) -> tuple[Path, str]:
        """Write it; return its path and how it was made."""
        chance = random.Random(f"{self.seed} {self.number}")  # noqa: S311 - no secret
        names = list(FORMATS)
        name = names[self.number % len(names)]
        content = bytearray((self.folder / name).read_bytes())
        made = [name]
        for change in chance.sample(CHANGES, chance.choice((1, 1, 1, 2, 3))):
            change(content, chance, Path(name).suffix)
            made.append(change.__name__)
        path = self.folder / f"{self.seed}-{self.number}-{name}"
        path.write_bytes(content)
        return path, " ".join(made)


def write_originals(folder: Path) -> None:
    """Write half a second of stereo in every format."""
    time = np.arange(RATE // 2)[:, None] / RATE
    noise = np.random.default_rng(0).standard_normal((len(time), 2))
    samples = 0.3 * np.sin(2 * np.pi * np.array([220.0, 330.0]) * time) + 0.02 * noise
    for name, settings in FORMATS.items():
        soundfile.write(folder / name, samples, RATE, **settings)


@dataclass(frozen=True)
class Analysed:
    """What a file gave: the frames of its spectrogram, whether all cells are numbers, and the most memory so far."""

    frames: int
    finite: bool
    peak_bytes: int


def analyse_mutant(mutant: Mutant) -> Analysed:
    """Make a file, and its spectrogram.

    Raises:
        TrackError: where the file cannot be used.
    """
    path, _ = mutant.write()
    try:
        log_mel = analyse_file(path, FRONT_END).log_mel
    finally:
        path.unlink()
    return Analysed(len(log_mel), bool(np.isfinite(log_mel).all()), peak_bytes())


def flip_bits_of_the_header(content: bytearray, chance: random.Random, _: str) -> None:
    """Flip some bits near the beginning."""
    for _flip in range(chance.randint(1, 8)):
        content[chance.randrange(min(len(content), 128))] ^= 1 << chance.randrange(8)


def flip_bits(content: bytearray, chance: random.Random, _: str) -> None:
    """Flip some bits anywhere."""
    for _flip in range(chance.randint(1, 40)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def cut(content: bytearray, chance: random.Random, _: str) -> None:
    """Lose the end, or nearly all."""
    del content[chance.randint(1, chance.choice((64, len(content)))) :]
    content.extend(b"\0" if not content else b"")


def lie(content: bytearray, chance: random.Random, suffix: str) -> None:
    """Say something impossible of a size, a rate, the channels or the bits."""
    for _lie in range(chance.randint(1, 3)):
        offset, packing = chance.choice(FIELDS[suffix])
        size = struct.calcsize(packing)
        value = chance.choice((*EXTREMES, chance.getrandbits(32))) & ((1 << 8 * size) - 1)
        content[offset : offset + size] = struct.pack(packing, value)


def insert(content: bytearray, chance: random.Random, _: str) -> None:
    """Put bytes in between, as an editor does that takes the file for text."""
    place = chance.randrange(chance.choice((64, len(content))))
    content[place:place] = chance.randbytes(chance.choice((1, 2, 100, 5_000)))


def swap(content: bytearray, chance: random.Random, _: str) -> None:
    """Exchange two stretches."""
    size = chance.choice((4, 8, 24, 512))
    one, other = (chance.randrange(max(1, len(content) - size)) for _place in range(2))
    content[one : one + size], content[other : other + size] = (
        content[other : other + size],
        content[one : one + size],
    )


def empty(content: bytearray, chance: random.Random, _: str) -> None:
    """Lose a stretch to zeros, as a disk does."""
    size = chance.choice((4, 64, 512, 4_096))
    start = chance.randrange(chance.choice((64, len(content))))
    content[start : start + size] = bytes(len(content[start : start + size]))


def repeat(content: bytearray, chance: random.Random, _: str) -> None:
    """Have a stretch twice."""
    start = chance.randrange(len(content))
    content[start:start] = content[start : start + chance.choice((8, 400, 4_000))]


CHANGES = (flip_bits_of_the_header, flip_bits, cut, lie, insert, swap, empty, repeat)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    write_originals(place)
    print(*Mutant(place, int(sys.argv[2]), int(sys.argv[3])).write())  # noqa: T201 - what it was made for
