"""From an audio file to mono samples. Files are untrusted: what a header claims is checked before it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_CHANNELS = 32
SAMPLE_RATES = (1_000, 768_000)  # Hz; outside of these a header is junk, not music
MAX_VALUES = 1 << 28  # samples x channels held at once: 1 GiB of float32
LOSSY_FORMATS = ("MP3", "OGG")  # their declared length is an estimate: encoders pad the last frame
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


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A file that is only read onwards.

    soundfile seeks after each read of a seekable file, which fails at the end of a FLAC file without a length.
    """

    def seekable(self) -> bool:
        return False


def decode(path: Path, *, max_seconds: float) -> Decoded:
    """Decode at most the first `max_seconds` of a file to a mono mix (the mean of its channels).

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    samples, sample_rate = decode_channels(path, max_seconds=max_seconds)
    return Decoded(_mono(samples), sample_rate, samples.shape[1])


def decode_channels(path: Path, *, max_seconds: float) -> tuple[NDArray[np.float32], int]:
    """Decode at most the first `max_seconds` of a file: samples, float32, shape (samples, channels), and their rate.

    The samples are read in one call: libsndfile's mp3 decoder gives other samples when it is read in blocks.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    try:
        if path.stat().st_size == 0:
            raise TrackError("empty", "the file holds no bytes")
        with path.open("rb") as raw, _ForwardFile(raw) as file:
            frames = _frames_to_read(file, max_seconds)
            samples = file.read(frames, dtype="float32", always_2d=True)
            declared = 0 if file.frames == UNDECLARED or file.format in LOSSY_FORMATS else frames
            sample_rate = int(file.samplerate)
    except soundfile.LibsndfileError as error:
        reason = "truncated" if "flac" in str(error).lower() and "lost sync" in str(error).lower() else "not_audio"
        raise TrackError(reason, f"the decoder says: {error.error_string}") from None
    except OSError as error:
        raise TrackError("unreadable", error.strerror or type(error).__name__) from None
    if len(samples) == 0:
        raise TrackError("no_samples", "the file decodes to nothing")
    if len(samples) < declared:
        raise TrackError(
            "truncated",
            f"{len(samples) / sample_rate:.2f} s of the {declared / sample_rate:.2f} s that it declares",
        )
    if not np.isfinite(samples).all():
        raise TrackError("not_finite", "the samples hold NaN or infinity")
    return samples, sample_rate


def _frames_to_read(file: soundfile.SoundFile, max_seconds: float) -> int:
    """Return how many sample frames to ask for, once the header's claims are plausible."""
    if not SAMPLE_RATES[0] <= file.samplerate <= SAMPLE_RATES[1]:
        raise TrackError("not_audio", f"a sample rate of {file.samplerate} Hz")
    if not 1 <= file.channels <= MAX_CHANNELS:
        raise TrackError("not_audio", f"{file.channels} channels")
    frames = int(min(file.frames, max_seconds * file.samplerate))
    if frames * file.channels > MAX_VALUES:
        raise TrackError("too_large", f"{frames} samples in {file.channels} channels do not fit in memory")
    return frames


def _mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the columns; adding them up is ten times cheaper than `mean(axis=1)` on interleaved stereo."""
    mix = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        mix += samples[:, channel]
    if samples.shape[1] > 1:
        mix /= np.float32(samples.shape[1])
    return mix
