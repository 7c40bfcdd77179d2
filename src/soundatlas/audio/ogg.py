"""Making an Ogg file the same bytes each time: encoders draw the number of the stream at random (RFC 3533)."""

from __future__ import annotations

import struct

CAPTURE = b"OggS"
HEADER_BYTES = 27  # of a page, before its table of segments
SERIAL_AT, CHECKSUM_AT, SEGMENTS_AT = 14, 22, 26
POLYNOMIAL = 0x04C11DB7  # of the page's checksum: not reflected, starting from 0


def with_serial(content: bytes, serial: int) -> bytes:
    """Return an Ogg file of one stream with another stream number, its pages' checksums made right.

    Raises:
        ValueError: when it is no Ogg file.
    """
    pages, start = [], 0
    while start < len(content):
        if content[start : start + len(CAPTURE)] != CAPTURE:
            raise ValueError(f"no Ogg page begins at byte {start}")
        segments = content[start + SEGMENTS_AT]
        table = content[start + HEADER_BYTES : start + HEADER_BYTES + segments]
        page = bytearray(content[start : start + HEADER_BYTES + segments + sum(table)])
        start += len(page)
        struct.pack_into("<I", page, SERIAL_AT, serial)
        struct.pack_into("<I", page, CHECKSUM_AT, 0)
        struct.pack_into("<I", page, CHECKSUM_AT, _checksum(page))
        pages.append(bytes(page))
    return b"".join(pages)


def _checksum(page: bytes | bytearray) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ TABLE[value >> 24 ^ byte]
    return value


def _row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 & 0xFFFFFFFF) ^ (POLYNOMIAL if value & 0x80000000 else 0)
    return value


TABLE = tuple(_row(byte) for byte in range(256))
