"""What lies beside the page for each point: a clip to hear and a picture of its log-mel. What is there is kept."""

from __future__ import annotations

import io
import shutil
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from soundatlas.atlas.descriptors import open_once
from soundatlas.audio.excerpts import write_excerpt
from soundatlas.audio.spectrogram import analyse_file
from soundatlas.audio.thumbnails import colour_table, thumbnail_levels
from soundatlas.errors import TrackError
from soundatlas.files import remove_leftovers, replacing_file, sha256_file
from soundatlas.progress import progress
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

SHORT = 16  # digits of the audio's hash that name its files
PICTURE_COLUMNS, PICTURE_ROWS = 128, 48  # pixels
PICTURE_QUALITY = 30  # of WebP: below 2 kB


@dataclass(frozen=True)
class Sound:
    """Some audio that a clip or a picture is made of.

    Attributes:
        audio_sha256: of its bytes.
        path: of a file that holds them.
    """

    audio_sha256: str
    path: Path


class Making(Protocol):
    """How one file is made of a sound; picklable, for a worker."""

    @property
    def ending(self) -> str:
        """What follows the hash in the file's name: all that shapes the file beside the sound, and its suffix."""

    def make(self, sound: Sound, target: Path) -> None:
        """Write the file; raise a `TrackError` where the sound does not serve."""


@dataclass(frozen=True)
class ClipMaking:
    """Clips of at most so many seconds."""

    seconds: float

    @property
    def ending(self) -> str:
        """Name the length."""
        return f"-{self.seconds:g}s.ogg"

    def make(self, sound: Sound, target: Path) -> None:
        """Write a clip of the very bytes that are meant."""
        _refuse_changed(sound)
        write_excerpt(sound.path, target, seconds=self.seconds)


@dataclass(frozen=True)
class PictureMaking:
    """Pictures of log-mels: from the store where it holds them, from the file where not."""

    store: Path
    front_end: FrontEnd

    @property
    def ending(self) -> str:
        """Name the front end."""
        return f"-{self.front_end.sha256()[:6]}.webp"

    def make(self, sound: Sound, target: Path) -> None:
        """Write a picture, low bands at the bottom."""
        store = open_once(self.store, self.front_end.sha256())
        if sound.audio_sha256 in store:
            log_mel = store.log_mel(sound.audio_sha256)
        else:
            _refuse_changed(sound)
            log_mel = analyse_file(sound.path, self.front_end).log_mel
        target.write_bytes(draw_log_mel(log_mel))


def _refuse_changed(sound: Sound) -> None:
    """Make sure that the file is the one that was listed.

    Raises:
        TrackError: when it is not.
    """
    if sha256_file(sound.path) != sound.audio_sha256:
        raise TrackError("changed", "the file is no longer the one that was listed")


def make_files(
    making: Making, sounds: Mapping[str, Sound], folder: Path, *, what: str, timeout_seconds: float
) -> tuple[dict[str, Path], int]:
    """Make a file for every sound, in worker processes; what lies in the folder already is not made again.

    Args:
        making: of each file.
        sounds: name of a point -> its sound; several may have the same.
        folder: where the files go.
        what: is made, for the progress bar.
        timeout_seconds: longest time for one file.

    Returns:
        name -> its file, none for a sound of which it could not be made; and how many could not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    different: dict[str, Sound] = {}
    for sound in sounds.values():
        different.setdefault(sound.audio_sha256, sound)
    targets = {sha: folder / f"{sha[:SHORT]}{making.ending}" for sha in different}
    orders = [_Order(making, different[sha], target) for sha, target in targets.items() if not target.is_file()]
    failed = 0
    outcomes = map_in_workers(_carry_out, orders, timeout_seconds=timeout_seconds)
    with progress(what, len(orders)) as advance, closing(outcomes):
        for outcome in outcomes:
            failed += outcome.failure is not None
            advance()
    files = {name: targets[sound.audio_sha256] for name, sound in sounds.items()}
    return {name: file for name, file in files.items() if file.is_file()}, failed


def draw_log_mel(log_mel: NDArray[np.float32]) -> bytes:
    """Return a WebP picture of a log-mel of shape (frames, n_mels), dB: see `thumbnail_levels`."""
    from PIL import Image

    levels = thumbnail_levels(log_mel, columns=PICTURE_COLUMNS, rows=PICTURE_ROWS)
    file = io.BytesIO()
    Image.fromarray(colour_table()[levels]).save(file, "WEBP", quality=PICTURE_QUALITY, method=6)
    return file.getvalue()


@dataclass(frozen=True)
class _Order:
    making: Making
    sound: Sound
    target: Path


def _carry_out(order: _Order) -> None:
    with replacing_file(order.target) as beside:
        try:
            order.making.make(order.sound, beside)
        except OSError as error:
            raise TrackError("unreadable", error.strerror or type(error).__name__) from None


def take_along(files: Mapping[str, Path], folder: Path, new: Path) -> dict[str, str]:
    """Give a new folder the files of an old one, without copying them where links can be made.

    Returns:
        name of a point -> where its file lies below the new folder, with forward slashes.
    """
    below = {name: path.relative_to(folder) for name, path in files.items()}
    for path in set(below.values()):
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            (new / path).hardlink_to(folder / path)
        except OSError:  # a file system without links
            shutil.copyfile(folder / path, new / path)
    return {name: path.as_posix() for name, path in below.items()}
