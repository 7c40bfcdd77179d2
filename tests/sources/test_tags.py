"""Tags of every format, in the catalogue's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music_files import LATIN_1, write_music, write_tags

from soundatlas.sources.tags import parse_isrc, parse_year, read_tags

NAMES = ["a.mp3", "a.wav", "a.flac", "a.ogg", "a.opus"]


@pytest.mark.parametrize("name", NAMES)
def test_tags_of_every_format_are_read(name, tmp_path) -> None:
    """Artist, album, title, genre, year and ISRC are found whatever the format calls them."""
    path = write_music(
        tmp_path / name,
        artist="Dvořák",
        album="Z nového světa",
        title="Largo",
        genre="symphony",
        date="1893-12-16",
        isrc="GB-AYE-69-00522",
    )
    tags = read_tags(path)
    assert tags.values == {
        "artist": "Dvořák",
        "album": "Z nového světa",
        "title": "Largo",
        "genre": "symphony",
        "year": 1893.0,
        "isrc": "GBAYE6900522",
    }
    assert set(tags.provenance.values()) == {"tag"}


@pytest.mark.parametrize("name", ["a.mp3", "a.flac"])
def test_of_several_artists_the_first_one_counts(name, tmp_path) -> None:
    """A label has one value: the first artist, and the first genre."""
    path = write_music(tmp_path / name, artist=["Anna", "Bela"], genre=["reel", "jig"])
    assert read_tags(path).values == {"artist": "Anna", "genre": "reel"}


def test_numbered_genre_is_put_into_words(tmp_path) -> None:
    """ID3's old numbers are genres too."""
    assert read_tags(write_music(tmp_path / "a.mp3", genre="(17)")).values == {"genre": "Rock"}


def test_mojibake_is_mended_and_the_label_says_so(tmp_path) -> None:
    """Cyrillic in a tag that says Latin-1 is mended; what is doubtful is kept; both are told in the provenance."""
    sure, doubtful = ("Моя музыка".encode("cp1251").decode("latin-1"), "КИНО".encode("cp1251").decode("latin-1"))
    tags = read_tags(write_music(tmp_path / "a.mp3", encoding=LATIN_1, title=sure, artist=doubtful))
    assert tags.values == {"title": "Моя музыка", "artist": doubtful}
    assert tags.provenance == {"title": "tag, encoding mended", "artist": "tag, encoding doubtful"}


def test_tag_that_is_no_value_is_missing(tmp_path) -> None:
    """Blank names, impossible years, tempi and ISRCs are no labels."""
    path = write_music(tmp_path / "a.mp3", artist=" \t ", date="0000", bpm="9999", isrc="none", title="x" * 20_000)
    assert read_tags(path).values == {}


def test_file_without_tags_or_with_broken_ones_has_none(tmp_path) -> None:
    """No tags, and bytes that mutagen cannot read, are no tags and no fault."""
    path = write_music(tmp_path / "a.mp3")
    assert read_tags(path).values == {}
    path.write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"\xff" * 100)
    assert read_tags(path).values == {}
    assert read_tags(tmp_path / "nowhere.mp3").values == {}


def test_tags_are_only_read(tmp_path) -> None:
    """Reading leaves the file as it is."""
    path = write_music(tmp_path / "a.mp3")
    write_tags(path, artist="Anna")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    read_tags(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1969", 1969.0),
        ("1969-09-26", 1969.0),
        ("26.9.1969", 1969.0),
        ("℗ 1969 EMI", 1969.0),
        ("69", None),
        ("0000", None),
        ("19691", None),
        ("", None),
    ],
)
def test_year_of_a_date(text, year) -> None:
    """Of a date in any form the year is taken, and nothing is guessed."""
    assert parse_year(text) == year


@given(st.text())
def test_any_isrc_is_plain_or_none(text) -> None:
    """An ISRC is twelve letters and digits, or there is none."""
    isrc = parse_isrc(text)
    assert isrc is None or (len(isrc) == 12 and parse_isrc(isrc) == isrc)
