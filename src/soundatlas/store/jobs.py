"""One spectrogram to compute, in a worker: a module that imports little, since every worker imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.errors import TrackError
from soundatlas.files import audio_path, sha256_file

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.audio.spectrogram import FrontEnd, Spectrogram


@dataclass(frozen=True)
class Job:
    """One spectrogram to compute: picklable, for a worker."""

    audio_sha256: str
    root: Path
    path: str
    front_end: FrontEnd


def compute(job: Job) -> Spectrogram:
    """Compute one spectrogram, of the very bytes that the catalogue lists.

    Raises:
        TrackError: when the file cannot be used.
    """
    path = audio_path(job.root, job.path)
    try:
        found = sha256_file(path)
    except OSError as error:
        raise TrackError("unreadable", error.strerror or type(error).__name__) from None
    if found != job.audio_sha256:
        raise TrackError("changed", "the file is no longer the one that was listed")
    return analyse_file(path, job.front_end)
