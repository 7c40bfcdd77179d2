"""Frames of mp3 files: all there, cut, torn, emptied, and between tags."""

from __future__ import annotations

import pytest

from soundatlas.audio.mpeg_frames import walk_frames


@pytest.fixture
def mp3(audio_file, sound) -> bytes:
    """Give two seconds of mp3 whose first frame says how many follow."""
    return audio_file("a.mp3", sound(2.0, 44_100), 44_100).read_bytes()


def test_whole_file_has_the_frames_that_it_declares(mp3) -> None:
    """Nothing is lost or cut, and the frames last as long as the sound and the encoder's padding."""
    walk = walk_frames(mp3)
    assert walk.frames == walk.declared
    assert (walk.lost_bytes, walk.cut_bytes) == (0, 0)
    assert walk.seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cut_file_has_fewer(mp3, share) -> None:
    """A file that lost its end has fewer frames than it declares."""
    walk = walk_frames(mp3[: int(len(mp3) * share)])
    assert walk.frames < walk.declared
    assert walk.frames == pytest.approx(walk.declared * share, abs=6)


def test_torn_frames_are_lost_bytes(mp3) -> None:
    """A stretch of zeros in the middle is counted, and the frames after it too."""
    middle = len(mp3) // 2
    walk = walk_frames(mp3[:middle] + bytes(2_000) + mp3[middle + 2_000 :])
    assert 0 < walk.declared - walk.frames < 10
    assert walk.lost_bytes > 1_000
    assert walk.lost_in_front == 0


def test_emptied_beginning_is_lost_in_front(mp3) -> None:
    """Zeros in the place of the first frames, with no tag before them, are lost bytes."""
    walk = walk_frames(bytes(3_000) + mp3[3_000:])
    assert walk.lost_in_front == walk.lost_bytes >= 3_000
    assert walk.declared is None


@pytest.mark.parametrize("padding", [0, 500])
def test_tags_at_both_ends_are_no_loss(mp3, padding) -> None:
    """ID3 in front, with or without zeros after it, and APE and ID3v1 behind are passed over."""
    id3 = b"ID3\x04\0\0" + bytes([0, 0, 1, 0]) + b"x" * 128 + bytes(padding)
    ape = b"y" * 40 + b"APETAGEX" + (2_000).to_bytes(4, "little") + (72).to_bytes(4, "little") + bytes(16)
    walk = walk_frames(id3 + mp3 + ape + b"TAG" + b"z" * 125)
    assert (walk.frames, walk.lost_bytes) == (walk.declared, 0)


def test_two_files_one_after_the_other_are_no_loss(mp3) -> None:
    """Files that were joined, each with its tag, lose nothing."""
    tag = b"ID3\x04\0\0" + bytes([0, 0, 1, 0]) + b"x" * 128
    walk = walk_frames(mp3 + tag + mp3)
    assert walk.lost_bytes == 0
    assert walk.frames > 1.9 * walk.declared


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xfb", b"music" * 1_000, b"\xff" * 5_000, bytes(5_000)])
def test_what_is_no_mp3_has_no_frames(content) -> None:
    """Anything else is nothing, and no header at the very end is read beyond."""
    assert walk_frames(content) is None
