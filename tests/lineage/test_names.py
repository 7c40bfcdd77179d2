"""Finding audio by a part of its name or of its hash."""

from __future__ import annotations

import pandas as pd
import pytest

from soundatlas.errors import UsageError
from soundatlas.lineage.names import sha_by_part
from soundatlas.tables import INBOX, TRACKS, conform

SHAS = [digit * 64 for digit in "abc"]
ROWS = [
    ("demo:1", "Béla", "Reel in G", "1.wav"),
    ("demo:2", "Béla", "Reel in G minor", "2.wav"),
    ("demo:3", "Øst", "Air", "3.wav"),
]


@pytest.fixture
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give a catalogue of three tracks and an inbox of two files that can be read, and one that cannot."""
    tracks = pd.DataFrame(ROWS, columns=["track_id", "artist", "title", "path"]).assign(audio_sha256=SHAS)
    listing = pd.DataFrame(
        {
            "path": ["in/new song.wav", "in/empty.wav", "in/4.wav"],
            "audio_sha256": ["d" * 64, None, "e" * 64],
            "size_bytes": 1,
            "artist": [None, None, "Ryan"],
            "title": [None, None, "Caledonian Hunt"],
        }
    )
    return conform(tracks, TRACKS), conform(listing, {**INBOX, "artist": "str", "title": "str"})


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("aaaaaa", "a"),
        ("b" * 63, "b"),
        ("ost: air", "c"),
        ("OST", "c"),
        ("g minor", "b"),
        ("Reel in G", "a"),  # a whole title goes before a part of another one
        ("new song", "d"),
        ("in/4", "e"),
        ("caledonian hunt", "e"),
        ("RYAN: Cal", "e"),
    ],
)
def test_a_part_finds_the_only_one(tables, what, found):
    """Case, diacritics and punctuation do not matter."""
    assert sha_by_part(what, *tables) == found * 64


@pytest.mark.parametrize("what", ["polka", "ffffff", "aaaaa", "...", "empty", "nan"])
def test_nothing_is_found_where_nothing_has_it(tables, what):
    """A prefix of five digits is a name, and no name is found by no letters; an unreadable file has no audio."""
    assert sha_by_part(what, *tables) is None


def test_a_part_of_several_names_them(tables):
    """In one harmless line, with what tells them apart."""
    with pytest.raises(UsageError, match=r"part of 2 names.*demo:1 .*; demo:2 ") as caught:
        sha_by_part("béla\x1b", *tables)
    assert str(caught.value).isprintable()
