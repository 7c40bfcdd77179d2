"""One spectrogram to compute, in a worker: a module that imports little, since every worker imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.errors import TrackError
from soundatlas.files import audio_path, sha256_file

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.audio.spectrogram import Spectrogram
    from soundatlas.audio.stems import AnyFrontEnd


@dataclass(frozen=True)
class Job:
    """One spectrogram to compute: picklable, for a worker."""

    audio_sha256: str
    root: Path
    path: str
    front_end: AnyFrontEnd


def compute(job: Job) -> Spectrogram:
    """Compute one spectrogram, of the very bytes that the catalogue lists.

    Raises:
        TrackError: when the file cannot be used.
    """
    path = listed_file(job.audio_sha256, job.root, job.path)
    if isinstance(job.front_end, FrontEnd):
        return analyse_file(path, job.front_end)
    from soundatlas.audio.stems import analyse_stems  # and NumPy with it

    return analyse_stems(path, job.front_end)


def listed_file(audio_sha256: str, root: Path, path: str) -> Path:
    """Return where a listed file lies, once it was found to hold the bytes that were listed.

    Raises:
        TrackError: when it cannot be read, or holds others.
    """
    file = audio_path(root, path)
    try:
        found = sha256_file(file)
    except OSError as error:
        raise TrackError("unreadable", error.strerror or type(error).__name__) from None
    if found != audio_sha256:
        raise TrackError("changed", "the file is no longer the one that was listed")
    return file
