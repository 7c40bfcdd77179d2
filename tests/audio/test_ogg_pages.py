"""Pages of Ogg files: all there, cut, broken."""

from __future__ import annotations

import pytest

from soundatlas.audio.ogg_pages import walk_pages


@pytest.fixture
def ogg(audio_file, sound) -> bytes:
    """Give ten seconds of Vorbis in an Ogg file."""
    return audio_file("a.ogg", sound(10.0, 44_100), 44_100).read_bytes()


def test_whole_file_is_whole(ogg) -> None:
    """Every page has the checksum that it says, and the last one says that it is the last."""
    walk = walk_pages(ogg)
    assert walk.pages == ogg.count(b"OggS") > 3
    assert (walk.broken, walk.missing, walk.ended) == (0, 0, True)


@pytest.mark.parametrize("share", [0.4, 0.99])
def test_cut_file_does_not_end(ogg, share) -> None:
    """A file that lost its end has no last page."""
    assert not walk_pages(ogg[: int(len(ogg) * share)]).ended


def test_one_flipped_bit_breaks_a_page(ogg) -> None:
    """A single bit in the sound is seen, since the page's checksum is another one."""
    content = bytearray(ogg)
    content[len(ogg) // 2] ^= 1
    walk = walk_pages(bytes(content))
    assert (walk.broken, walk.ended) == (1, True)


def test_page_that_is_gone_is_missing(ogg) -> None:
    """The numbers of the pages tell that one was taken out."""
    places = [place for place in range(len(ogg)) if ogg.startswith(b"OggS", place)]
    walk = walk_pages(ogg[: places[2]] + ogg[places[3] :])
    assert (walk.broken, walk.missing, walk.ended) == (0, 1, True)


def test_what_follows_the_last_page_is_no_loss(ogg) -> None:
    """A tag that some program hung on is no broken page."""
    assert walk_pages(ogg + b"TAG" + bytes(125)).broken == 0


@pytest.mark.parametrize("content", [b"", b"O", b"OggS", b"OggS" * 1_000, bytes(5_000)])
def test_what_is_no_ogg_has_no_pages(content) -> None:
    """Anything else holds no page, and nothing is read beyond the end."""
    walk = walk_pages(content)
    assert (walk.pages, walk.ended) == (0, False)
