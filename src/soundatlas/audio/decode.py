"""From an audio file to mono samples. Files are untrusted: what a header claims is checked before it is believed."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, NamedTuple, Self

import numpy as np
import soundfile

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MAX_CHANNELS = 32
SAMPLE_RATES = (1_000, 768_000)  # Hz; outside of these a header is junk, not music
MAX_VALUES = 1 << 28  # numbers held at once: 1 GiB of float32
BLOCK_FRAMES = 1 << 18  # samples of each channel decoded at once: 6 s at 44.1 kHz, 2 MiB of stereo
LOSSY_FORMATS = ("MP3", "OGG")  # their declared length is an estimate: encoders pad the last frame
STANDARD_ERROR = 2
MOST_REMARKS_BYTES = 1 << 20
NO_BEGINNING = 7  # libsndfile's code, with words for a file that is none, when its mp3 decoder cannot begin
UNDECLARED = 2**63 - 1  # what libsndfile says of a FLAC stream that was written without its length


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    Attributes:
        samples: mono mix, float32, shape (samples,), full scale 1.0.
        sample_rate: of the file, in Hz.
        channels: of the file, before the mix.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    channels: int

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


class Channels(NamedTuple):
    """A decoded file, each channel by itself.

    Attributes:
        samples: float32, shape (samples, channels), full scale 1.0.
        sample_rate: of the file, in Hz.
        faults: how many the decoder remarked on, and went on.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    faults: int


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A file that is only read onwards, from its first byte, whatever it is called.

    soundfile seeks after each read of a seekable file, which fails at the end of a FLAC file without a length and makes
    the mp3 decoder begin anew. Of a name it believes the ending (`.raw`), and a Python file prints a traceback for each
    wrong place that a broken header sends it to: so libsndfile gets an open file, and reads it by itself.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__(raw if sys.platform == "win32" else raw.fileno(), closefd=False)

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def _as_track_errors() -> Iterator[None]:
    """Turn what the decoder or the disk says into the reason why a file cannot be used."""
    try:
        yield
    except soundfile.LibsndfileError as error:
        if error.code == NO_BEGINNING:
            raise TrackError("not_audio", "the decoder cannot begin: the file is cut off early, or broken") from None
        reason = "truncated" if "flac" in str(error).lower() and "lost sync" in str(error).lower() else "not_audio"
        raise TrackError(reason, f"the decoder says: {error.error_string}") from None
    except OSError as error:
        raise TrackError("unreadable", error.strerror or type(error).__name__) from None


_one_listener = threading.Lock()  # two would put each other's file back for standard error


@contextlib.contextmanager
def decoder_remarks() -> Iterator[list[str]]:
    """Collect the lines that libsndfile's decoders write to standard error, in which no file is named.

    To be held around calls of libsndfile alone: it is the whole process's standard error that is turned aside.
    """
    lines: list[str] = []
    if sys.__stderr__ is None:  # it is closed, and its number may be another file's
        yield lines
        return
    with _one_listener:
        written, before = _remarks_file(os.getpid()).fileno(), os.dup(STANDARD_ERROR)
        os.dup2(written, STANDARD_ERROR)
        try:
            yield lines
        finally:
            os.dup2(before, STANDARD_ERROR)
            os.close(before)
            if size := os.lseek(written, 0, os.SEEK_END):
                os.lseek(written, 0, os.SEEK_SET)
                lines += os.read(written, min(size, MOST_REMARKS_BYTES)).decode("utf-8", "replace").splitlines()
                os.ftruncate(written, 0)
                os.lseek(written, 0, os.SEEK_SET)


@lru_cache(maxsize=1)
def _remarks_file(process: int) -> IO[bytes]:
    """Return the file that a process has in place of standard error; a copy of it must not share that file's place."""
    del process
    return tempfile.TemporaryFile()


class AudioFile:
    """A file that is decoded block by block, so that memory does not grow with its length.

    Blocks of any length give the samples that one call for all of them gives, bit for bit: the decoders of mp3 and ogg
    carry their state on as long as nobody seeks. To be closed, or used in a `with` block.

    Args:
        path: of the file.
        max_seconds: how much of its beginning is decoded at most.

    Attributes:
        sample_rate: of the file, in Hz.
        channels: of the file.
        frames: how many samples of each channel there are to decode at most, by what the file declares.
        faults: how many the decoder has remarked on, and went on.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """

    faults = 0

    def __init__(self, path: Path, *, max_seconds: float) -> None:
        with contextlib.ExitStack() as opened, self._counting_faults(), _as_track_errors():
            if path.stat().st_size == 0:
                raise TrackError("empty", "the file holds no bytes")
            raw = opened.enter_context(path.open("rb"))
            self._file = opened.enter_context(_ForwardFile(raw))
            self.sample_rate, self.channels = int(self._file.samplerate), int(self._file.channels)
            self._check_header()
            self.frames = max(0, int(min(self._file.frames, max_seconds * self.sample_rate)))
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[NDArray[np.float32]]:
        """Yield the samples in blocks of `frames` of each channel, the last one shorter: shape (samples, channels).

        A block is overwritten by the next one.

        Raises:
            TrackError: when the decoder finds a fault, when the samples are no numbers, and at the end of a file that
                holds none, or fewer than it declares.
        """
        room = np.empty((min(frames, self.frames), self.channels), np.float32)
        done = 0
        while done < self.frames:
            with self._counting_faults(), _as_track_errors():
                block = self._file.read(out=room[: self.frames - done])
            done += len(block)
            if not np.isfinite(block).all():
                raise TrackError("not_finite", "the samples hold NaN or infinity")
            yield block
            if len(block) < len(room):
                break
        self._check_length(done)

    @contextlib.contextmanager
    def _counting_faults(self) -> Iterator[None]:
        with decoder_remarks() as remarks:
            yield
        self.faults += sum(" error: " in remark for remark in remarks)

    def _check_header(self) -> None:
        """Refuse what no music has before any memory is taken for it."""
        if not SAMPLE_RATES[0] <= self.sample_rate <= SAMPLE_RATES[1]:
            raise TrackError("not_audio", f"a sample rate of {self.sample_rate} Hz")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise TrackError("not_audio", f"{self.channels} channels")

    def _check_length(self, done: int) -> None:
        """Refuse a file that ended after `done` samples where it declares more, or that has none."""
        if done == 0:
            raise TrackError("no_samples", "the file decodes to nothing")
        is_declared = self._file.frames != UNDECLARED and self._file.format not in LOSSY_FORMATS
        if is_declared and done < self.frames:
            seconds, declared = done / self.sample_rate, self.frames / self.sample_rate
            raise TrackError("truncated", f"{seconds:.2f} s of the {declared:.2f} s that it declares")


def decode(path: Path, *, max_seconds: float) -> Decoded:
    """Decode at most the first `max_seconds` of a file to a mono mix (the mean of its channels).

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    with AudioFile(path, max_seconds=max_seconds) as file:
        check_room(file.frames, "samples")
        samples, done = np.empty(file.frames, np.float32), 0
        for block in file.blocks():
            samples[done : done + len(block)] = mix_to_mono(block)
            done += len(block)
        return Decoded(samples[:done], file.sample_rate, file.channels)


def decode_channels(path: Path, *, max_seconds: float) -> Channels:
    """Decode at most the first `max_seconds` of a file, without mixing its channels.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    with AudioFile(path, max_seconds=max_seconds) as file:
        check_room(file.frames * file.channels, f"samples of {file.channels} channels")
        (samples,) = file.blocks(max(1, file.frames))
        return Channels(samples, file.sample_rate, file.faults)


def check_room(values: int, what: str) -> None:
    """Refuse to hold more numbers at once than memory should be asked for.

    Raises:
        TrackError: when it is more.
    """
    if values > MAX_VALUES:
        raise TrackError("too_large", f"{values} {what} do not fit in memory")


def mix_to_mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels, shape (samples,); of a single one, a view.

    Adding them up is ten times cheaper than `mean(axis=1)` on interleaved stereo.
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    mix = samples[:, 0] + samples[:, 1]
    for channel in range(2, samples.shape[1]):
        mix += samples[:, channel]
    mix /= np.float32(samples.shape[1])
    return mix
