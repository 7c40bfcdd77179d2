"""Where a user's copy of FMA lies: metadata and audio, each a folder as its authors unpack it or their zip file."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.errors import NotReadyError, SoundatlasError
from soundatlas.sources.fma_archive import DAMAGED, open_archive, open_member

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

METADATA = "fma_metadata"
MAX_TABLE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Place:
    """A copy of FMA that is there.

    Attributes:
        metadata: the folder `fma_metadata`, or `fma_metadata.zip`.
        audio: the folder `fma_<subset>`, or `fma_<subset>.zip`.
    """

    metadata: Path
    audio: Path


def find_place(folder: Path, subset: str) -> Place:
    """Find metadata and audio in a folder; where both are there, the unpacked one is taken.

    Raises:
        NotReadyError: naming what is missing.
    """
    if not folder.is_dir():
        raise NotReadyError(f"{folder} is no folder: give the one that holds fma_metadata and fma_{subset}")
    found = []
    for name in (METADATA, f"fma_{subset}"):
        unpacked, archive = folder / name, folder / f"{name}.zip"
        if unpacked.is_dir():
            found.append(unpacked)
        elif archive.is_file():
            found.append(archive)
        else:
            raise NotReadyError(f"{folder} holds neither {name}/ nor {name}.zip: put FMA's {name}.zip there")
    return Place(*found)


@contextmanager
def open_table(metadata: Path, name: str) -> Iterator[TextIO | None]:
    """Open `tracks.csv` or `echonest.csv` of the metadata as text; None where it is not there.

    Bytes that are no UTF-8 are replaced: they are most likely in a biography, and must not cost the catalogue.

    Raises:
        SoundatlasError: when the file is there and cannot be read, now or later.
    """
    try:
        if metadata.is_dir():
            path = metadata / name
            if not path.is_file():
                yield None
                return
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                yield file
            return
        with open_archive(metadata) as archive:
            member = {each.filename: each for each in archive.infolist()}.get(f"{METADATA}/{name}")
            if member is None:
                yield None
                return
            if member.file_size > MAX_TABLE_BYTES:
                raise SoundatlasError(f"{metadata} is refused: {name} would have {member.file_size} bytes")
            with (
                open_member(archive, member) as raw,
                io.TextIOWrapper(raw, "utf-8", errors="replace", newline="") as text,
            ):
                yield text
    except DAMAGED as error:
        raise SoundatlasError(f"{metadata}: {name} cannot be read ({error}); fetch it again") from None
