"""Walking the pages of an Ogg file (RFC 3533), since its decoder passes over broken and missing ones in silence."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

HEADER = struct.Struct("<4sBBqIIIB")
CRC_PLACE = 22  # of its four bytes in the header
BEGINS, ENDS = 2, 4  # flags
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass
class OggWalk:
    """What the pages of a file say.

    Attributes:
        pages: that are whole and have the checksum that they say.
        broken: pages with another checksum, and stretches where no page begins.
        missing: pages that the numbers leave out.
        ended: the last page of every stream says that it is the last.
    """

    pages: int = 0
    broken: int = 0
    missing: int = 0
    ended: bool = False


def walk_pages(data: mmap.mmap | bytes) -> OggWalk:
    """Walk all pages of an Ogg file."""
    walk, place, numbers, unended = OggWalk(), 0, dict[int, int](), set[int]()
    while 0 <= place < len(data):
        page = data[place : place + HEADER.size]
        if len(page) < HEADER.size or page[:4] != b"OggS":
            place = data.find(b"OggS", place + 1)
            walk.broken += place >= 0  # what follows the last page may be a tag
            continue
        _, _, flags, _, stream, number, checksum, segments = HEADER.unpack(page)
        sizes = data[place + HEADER.size : place + HEADER.size + segments]
        end = place + HEADER.size + segments + sum(sizes)
        if end > len(data):
            break  # cut in the middle of a page: its stream has not ended
        if page_checksum(data[place:end]) != checksum:
            walk.broken += 1
        else:
            walk.pages += 1
            walk.missing += max(number - numbers.get(stream, -1) - 1, 0)
            numbers[stream] = number
            (unended.discard if flags & ENDS else unended.add)(stream)
        place = end
    walk.ended = walk.pages > 0 and not unended
    return walk


def page_checksum(page: bytes) -> int:
    """Return the CRC of a page: polynomial 0x04c11db7, not reflected, which is zlib's with all bits turned round."""
    blank = page[:CRC_PLACE] + bytes(4) + page[CRC_PLACE + 4 :]
    reflected = zlib.crc32(blank.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
