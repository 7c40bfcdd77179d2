"""FMA's zip files, read with suspicion: every member is checked before the first is read.

The real ones are compressed with bzip2, which many an `unzip` refuses. Python's own reader of bzip2 members holds what
4 KiB of them expand to, which may be gigabytes; here they are expanded a block at a time.
"""

from __future__ import annotations

import bz2
import copy
import io
import stat
import zipfile
import zlib
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from soundatlas.errors import SoundatlasError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

BLOCK_BYTES = 1 << 16
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
ENCRYPTED = 0x1
MAX_RATIO = 200  # text with many repeats, compressed well, comes to some thirty
RATIO_MATTERS_BYTES = 10_000_000  # a smaller member harms nobody, however well it is compressed
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)  # what reading a member raises
KINDS = (0, stat.S_IFREG, stat.S_IFDIR)  # of a member; 0 where the archive was made without


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose members are what they seem.

    Raises:
        SoundatlasError: when it is no whole zip file, or holds a member that no archive of FMA would.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SoundatlasError(f"{path} is no whole zip file ({error}): fetch it again") from None
    with archive:
        if fault := _fault(archive.infolist()):
            raise SoundatlasError(f"{path} is refused, nothing was read from it: {fault}")
        yield archive


@contextmanager
def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[BinaryIO]:
    """Open a member of a checked archive; opening and reading one that is not as it declares raise `DAMAGED`."""
    if member.compress_type != zipfile.ZIP_BZIP2:
        with archive.open(member) as file:
            yield cast("BinaryIO", file)
        return
    compressed = copy.copy(member)  # the member as if its compressed bytes were its content, which has no checksum
    compressed.compress_type = zipfile.ZIP_STORED
    compressed.file_size = member.compress_size
    del compressed.CRC
    with archive.open(compressed) as file, io.BufferedReader(_Bzip2Member(file, member)) as expanded:
        yield cast("BinaryIO", expanded)


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield what is left of a file, in blocks."""
    while block := file.read(BLOCK_BYTES):
        yield block


def _fault(members: list[zipfile.ZipInfo]) -> str | None:
    """Say what is wrong with the first bad member, or None."""
    names = set()
    for member in members:
        name = member.orig_filename  # `filename` is what is left of it after a NUL
        if fault := _member_fault(member):
            return f"its member {name[:80]!r} {fault}"
        if name in names:
            return f"it holds {name[:80]!r} twice"
        names.add(name)
    places = sorted((member.header_offset, member.header_offset + member.compress_size) for member in members)
    if any(end > start for (_, end), (start, _) in pairwise(places)):
        return "its members overlap"
    return None


def _member_fault(member: zipfile.ZipInfo) -> str | None:
    name = member.orig_filename
    if name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in name.split("/"):
        return "leads out of the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in KINDS:
        return "is a link or a device"
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in METHODS:
        return f"is compressed by method {member.compress_type}, which FMA does not use"
    if member.file_size > RATIO_MATTERS_BYTES and member.file_size > MAX_RATIO * member.compress_size:
        return f"would expand more than {MAX_RATIO}-fold"
    return None


class _Bzip2Member(io.RawIOBase):
    """The expanded bytes of a bzip2 member, never more than was asked for and never more than it declares."""

    def __init__(self, compressed: IO[bytes], member: zipfile.ZipInfo) -> None:
        self._compressed = compressed
        self._member = member
        self._expander = bz2.BZ2Decompressor()
        self._left = member.file_size
        self._checksum = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer with what comes next, and return its length; 0 is the end."""
        view = memoryview(buffer).cast("B")
        block = self._next(min(len(view), max(self._left, 1)))
        if len(block) > self._left:
            raise zipfile.BadZipFile(f"{self._member.filename} is longer than it declares")
        self._left -= len(block)
        self._checksum = zlib.crc32(block, self._checksum)
        if not block and (self._left or self._checksum != self._member.CRC):
            raise zipfile.BadZipFile(f"{self._member.filename} is not what its checksum says")
        view[: len(block)] = block
        return len(block)

    def _next(self, most: int) -> bytes:
        while not self._expander.eof:
            raw = self._compressed.read(BLOCK_BYTES) if self._expander.needs_input else b""
            if self._expander.needs_input and not raw:
                break
            try:
                block = self._expander.decompress(raw, most)
            except OSError as error:
                raise zipfile.BadZipFile(f"{self._member.filename}: {error}") from None
            if block:
                return block
        return b""
