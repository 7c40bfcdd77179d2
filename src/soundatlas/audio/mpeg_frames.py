"""Walking the frames of an mp3 file, since its decoder reports success whatever is missing or broken.

The layout of headers is that of ISO/IEC 11172-3 and 13818-3; Xing's and LAME's first frame tells how many follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

KBITS = {  # (MPEG-1, layer) -> kbit/s by index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # version bits -> Hz
HEADER_BYTES = 4
TAG_HEADER_BYTES, ID3V1_BYTES, APE_BYTES = 10, 128, 32
LARGEST_FRAME_BYTES = 2881
LAYER_III = 3


@dataclass(frozen=True)
class Header:
    """A frame's header: what all frames of a file share, and this one's length."""

    kind: tuple[int, int, int]  # version bits, layer, sample rate
    frame_bytes: int
    samples: int


@dataclass
class Walk:
    """What the frames of a file say.

    Attributes:
        frames: that are whole, without the first one where it only tells how many follow.
        declared: number of frames that the first one tells, or None.
        seconds: that these frames last.
        lost_bytes: between frames, that are neither frames nor tags.
        lost_in_front: of these, before the first frame.
        cut_bytes: that the last frame lacks at the end of the file.
    """

    frames: int = 0
    declared: int | None = None
    seconds: float = 0.0
    lost_bytes: int = 0
    lost_in_front: int = 0
    cut_bytes: int = 0


def walk_frames(data: mmap.mmap | bytes) -> Walk | None:
    """Walk all frames of an mp3 file; None where no two frames follow each other, so that it is no mp3 that we know."""
    start, end = _skip_tags(data, 0), _end_of_audio(data)
    first = _find(data, start, end, None)
    if first is None:
        return None
    walk, place = Walk(), first
    walk.lost_in_front = first - start if start == 0 or any(data[start:first]) else 0  # zeros after a tag pad it
    walk.lost_bytes = walk.lost_in_front
    kind = _read(data, first, end)
    assert kind is not None  # noqa: S101 - `_find` gives places with a header
    walk.declared = _declared(data, first, kind)
    while place + HEADER_BYTES <= end:
        header = _read(data, place, end)
        if header is None or header.kind != kind.kind:
            after_tags = _skip_tags(data, place)
            found = _find(data, after_tags, end, kind.kind)
            if found is None:
                break  # what follows the last frame is no audio, and mostly a tag that we do not know
            walk.lost_bytes += found - after_tags
            place = found
            continue
        if place + header.frame_bytes > end:
            walk.cut_bytes = place + header.frame_bytes - end
            break
        if walk.declared is None or place != first:
            walk.frames += 1
            walk.seconds += header.samples / header.kind[2]
        place += header.frame_bytes
    return walk


def count_leaning_frames(data: mmap.mmap | bytes) -> int:
    """Return how many frames at the beginning of an mp3 file need bits of frames that are not there.

    A layer III frame may keep some of its bits in the frames before it. In a file that was cut out of a longer one
    without encoding it anew, as FMA's clips are, the first frames lack them; no other frame suffers.
    """
    place, end = _skip_tags(data, 0), _end_of_audio(data)
    first = _find(data, place, end, None)
    header = None if first is None else _read(data, first, end)
    if first is None or header is None or header.kind[1] != LAYER_III:
        return 0
    place = first + (header.frame_bytes if _declared(data, first, header) is not None else 0)
    count = kept_bytes = 0
    while (header := _read(data, place, end)) is not None and place + header.frame_bytes <= end:
        borrowed_bytes, own_bytes = _main_data(data, place, header)
        if borrowed_bytes <= kept_bytes:
            break
        count, kept_bytes, place = count + 1, kept_bytes + own_bytes, place + header.frame_bytes
    return count


def _main_data(data: mmap.mmap | bytes, place: int, header: Header) -> tuple[int, int]:
    """Return how many bytes of its main data a layer III frame keeps before itself, and how many it has room for."""
    has_checksum, is_mono = not data[place + 1] & 1, data[place + 3] >> 6 == 3  # noqa: PLR2004 - one channel
    side = place + HEADER_BYTES + (2 if has_checksum else 0)
    if header.kind[0] == 3:  # noqa: PLR2004 - MPEG-1
        borrowed_bytes, side_bytes = data[side] << 1 | data[side + 1] >> 7, 17 if is_mono else 32
    else:
        borrowed_bytes, side_bytes = data[side], 9 if is_mono else 17
    return borrowed_bytes, header.frame_bytes - (side - place) - side_bytes


def _read(data: mmap.mmap | bytes, place: int, end: int) -> Header | None:
    """Return the frame header at a place, or None where there is none. Free-format frames are none for us."""
    if place + HEADER_BYTES > end or data[place] != 0xFF or data[place + 1] & 0xE0 != 0xE0:  # noqa: PLR2004 - sync
        return None
    second, third = data[place + 1], data[place + 2]
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bitrate, rate = third >> 4, third >> 2 & 3
    if version == 1 or layer == 4 or bitrate in {0, 15} or rate == 3:  # noqa: PLR2004 - reserved values
        return None
    first_version = version == 3  # noqa: PLR2004 - MPEG-1
    sample_rate = RATES[version][rate]
    samples = 384 if layer == 1 else 1152 if layer == 2 or first_version else 576  # noqa: PLR2004 - by layer
    padding, slot = third >> 1 & 1, 4 if layer == 1 else 1
    size = (samples // 8 * KBITS[first_version, layer][bitrate] * 1000 // sample_rate // slot + padding) * slot
    return Header((version, layer, sample_rate), size, samples)


def _find(data: mmap.mmap | bytes, start: int, end: int, kind: tuple[int, int, int] | None) -> int | None:
    """Return the first place where a frame is followed by another one, or by the end of the audio."""
    place = data.find(b"\xff", start, end)
    while place >= 0:
        header = _read(data, place, end)
        if header is not None and (kind is None or header.kind == kind):
            after = place + header.frame_bytes
            following = _read(data, after, end)
            if (following is not None and following.kind == header.kind) or (kind is not None and after == end):
                return place
        place = data.find(b"\xff", place + 1, end)
    return None


def _skip_tags(data: mmap.mmap | bytes, place: int) -> int:
    """Return where the ID3 and APE tags that begin at a place end."""
    while True:
        if data[place : place + 3] == b"ID3" and len(data) >= place + TAG_HEADER_BYTES:
            size = 0
            for byte in data[place + 6 : place + TAG_HEADER_BYTES]:
                size = size << 7 | byte & 0x7F
            place += TAG_HEADER_BYTES + size
        elif data[place : place + 3] == b"TAG":
            place += ID3V1_BYTES
        elif data[place : place + 8] == b"APETAGEX":
            place += APE_BYTES + int.from_bytes(data[place + 12 : place + 16], "little")
        else:
            return place


def _end_of_audio(data: mmap.mmap | bytes) -> int:
    """Return where the tags at the end of a file begin."""
    end = len(data)
    if data[max(end - ID3V1_BYTES, 0) : max(end - ID3V1_BYTES, 0) + 3] == b"TAG":
        end -= ID3V1_BYTES
    if data[max(end - APE_BYTES, 0) : max(end - APE_BYTES, 0) + 8] == b"APETAGEX":
        size = int.from_bytes(data[end - APE_BYTES + 12 : end - APE_BYTES + 16], "little")
        has_header = data[end - APE_BYTES + 23] & 0x80
        end = max(end - size - (APE_BYTES if has_header else 0), 0)
    return end


def _declared(data: mmap.mmap | bytes, first: int, header: Header) -> int | None:
    """Return how many frames Xing's, LAME's or Fraunhofer's first frame says that there are."""
    frame = data[first : first + min(header.frame_bytes, LARGEST_FRAME_BYTES)]
    for name in (b"Xing", b"Info"):
        at = frame.find(name, HEADER_BYTES, 64)
        if at >= 0 and len(frame) >= at + 12 and frame[at + 7] & 1:
            return int.from_bytes(frame[at + 8 : at + 12])
    at = frame.find(b"VBRI", HEADER_BYTES, 64)
    return int.from_bytes(frame[at + 14 : at + 18]) if at >= 0 and len(frame) >= at + 18 else None
