"""Is a file sound? What libsndfile passes in silence: cut, broken and emptied files, silence, and clipping."""

from __future__ import annotations

import contextlib
import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from soundatlas.audio.decode import UNDECLARED, decode_channels, decoder_remarks
from soundatlas.audio.mpeg_frames import count_leaning_frames, walk_frames
from soundatlas.audio.ogg_pages import walk_pages
from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.audio.decode import Channels

EXAMINED_SECONDS = 600.0  # from the beginning; more of a track is rarely learnt from
FULL_SCALE = 0.9999  # a 16-bit sample at its limit is 0.99997
MISSING_SHARE, MISSING_SECONDS = 0.01, 0.1  # encoders pad the first and the last frame
CUT_WAV_BYTES = 4096  # of a data chunk; less is a header that was not brought up to date
STREAMED_WAV = (0, 0xFFFFFFFF, 0x7FFFFFFF)  # sizes of a WAV that was written into a pipe
ADVICE = {
    "m4a": "m4a and AAC are not decoded here: convert it to flac or mp3",
    "midi": "a MIDI file holds notes, no sound",
    "page": "a web page or text, whatever its name says",
    "wma": "Windows Media is not decoded here: convert it to flac or mp3",
}


@dataclass(frozen=True)
class Examined:
    """What was found out about a file that can be used.

    Attributes:
        duration_seconds: of the whole file.
        sample_rate: in Hz.
        channels: of the file.
        peak_db: of the loudest sample, in dB of full scale.
        clipped_share: of the samples that stand at full scale, 0 to 1.
    """

    duration_seconds: float
    sample_rate: int
    channels: int
    peak_db: float
    clipped_share: float


@dataclass(frozen=True)
class Limits:
    """What a file must satisfy: section `ingest` of `params.yaml`."""

    min_seconds: float
    silence_db: float
    max_clipped_share: float


def examine_file(path: Path, limits: Limits) -> Examined:
    """Decode a file and say what it is, or why it cannot be used.

    Raises:
        TrackError: with the reason.
    """
    with _mapped(path) as data:
        known = recognise(data[:64])
        if known in ADVICE:
            raise TrackError("not_audio", ADVICE[known])
        declared = CHECKS[known](data) if known in CHECKS else None
        leaning = count_leaning_frames(data) if known == "mp3" else 0
    samples, sample_rate, faults = _decode(path, known)
    if known == "mp3" and faults > leaning:
        raise TrackError("damaged", f"the decoder met {faults} damaged frames: replace the file")
    seconds = len(samples) / sample_rate
    with decoder_remarks(), soundfile.SoundFile(path) as file:
        # Of an mp3 without a header of its own, libsndfile reads what it estimates.
        announced = file.frames / sample_rate if file.frames < UNDECLARED else seconds
    length = announced if declared is None else declared
    readable = min(length, announced, EXAMINED_SECONDS)
    if readable - seconds > max(MISSING_SECONDS, MISSING_SHARE * readable):
        raise TrackError("damaged", f"{seconds:.2f} s of {readable:.2f} s can be decoded: replace the file")
    return _judge(samples, sample_rate, length if length > EXAMINED_SECONDS else seconds, limits)


def _decode(path: Path, known: str) -> Channels:
    try:
        return decode_channels(path, max_seconds=EXAMINED_SECONDS)
    except TrackError as error:
        if known == "flac" and error.reason == "not_audio" and "flac decoder" in error.message:
            raise TrackError("damaged", f"{error.message} Replace the file") from None
        raise


def recognise(head: bytes) -> str:
    """Return what the first bytes of a file say it is: a format that is checked or advised on here, or nothing."""
    found = ""
    if head[:4] == b"OggS":
        found = "ogg"
    elif head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        found = "wav"
    elif head[:4] == b"fLaC":
        found = "flac"
    elif head[4:8] == b"ftyp":
        found = "m4a"
    elif head[:4] == b"MThd":
        found = "midi"
    elif head[:4] == b"\x30\x26\xb2\x75":
        found = "wma"
    elif head.lstrip()[:1] in {b"<", b"{"}:
        found = "page"
    elif head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0) or not any(head[:4]):  # noqa: PLR2004 - sync
        found = "mp3"
    return found


def _check_mp3(data: mmap.mmap) -> float | None:
    """Return how long an mp3 file's frames last in seconds, or None where there are none."""
    walk = walk_frames(data)
    if walk is None:
        return None
    if walk.declared is not None and walk.frames < walk.declared * (1 - MISSING_SHARE) and not walk.lost_bytes:
        share = walk.frames / walk.declared
        raise TrackError("truncated", f"{walk.frames} of the {walk.declared} frames that it declares ({share:.0%})")
    if walk.cut_bytes and walk.declared is None and not walk.lost_bytes:
        raise TrackError("truncated", f"its last frame lacks {walk.cut_bytes} bytes")
    if walk.lost_bytes:
        where = "in front of" if walk.lost_bytes == walk.lost_in_front else "between"
        raise TrackError("damaged", f"{walk.lost_bytes} bytes {where} its frames are none: replace the file")
    return walk.seconds


def _check_ogg(data: mmap.mmap) -> None:
    walk = walk_pages(data)
    if walk.broken or walk.missing:
        raise TrackError(
            "damaged", f"{walk.broken} of its pages are broken and {walk.missing} are missing: replace the file"
        )
    if walk.pages and not walk.ended:
        raise TrackError("truncated", "its last page is missing")


def _check_wav(data: mmap.mmap) -> None:
    """Compare the size that a WAV file's data chunk declares with what follows."""
    place = 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] == b"data":
            there = len(data) - place - 8
            if size not in STREAMED_WAV and size - there >= min(CUT_WAV_BYTES, size // 100 + 1):
                raise TrackError("truncated", f"{there} of the {size} bytes of samples that it declares")
            return
        place += 8 + size + size % 2


CHECKS: dict[str, Callable[[mmap.mmap], float | None]] = {"mp3": _check_mp3, "ogg": _check_ogg, "wav": _check_wav}


def _judge(samples: NDArray[np.float32], sample_rate: int, seconds: float, limits: Limits) -> Examined:
    if seconds < limits.min_seconds:
        raise TrackError("too_short", f"{seconds:.2f} s")
    loudness = np.abs(samples)
    peak = float(loudness.max())
    peak_db = 20 * float(np.log10(max(peak, 1e-10)))
    if peak_db < limits.silence_db:
        raise TrackError("silent", f"its loudest sample is at {peak_db:.0f} dB of full scale")
    clipped = float((loudness >= FULL_SCALE).mean())
    if clipped > limits.max_clipped_share:
        raise TrackError("clipped", f"{clipped:.0%} of its samples stand at full scale")
    return Examined(seconds, sample_rate, samples.shape[1], peak_db, clipped)


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """Give a file's bytes without reading them all.

    Raises:
        TrackError: when there are none, or they cannot be read.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise TrackError("empty", "the file holds no bytes")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
    except OSError as error:
        raise TrackError("unreadable", error.strerror or type(error).__name__) from None
