"""Listings on disk: whole or not at all, the same for the same, and found by what was asked."""

from __future__ import annotations

import datetime as dt

import pytest

from soundatlas.errors import SoundatlasError
from soundatlas.sources.base import Listing
from soundatlas.sources.listing_files import content_of, read_listing, source_key, user_path, write_listing
from soundatlas.sources.rows import Row, build_listing, failure


@pytest.fixture
def listing() -> Listing:
    """Give a listing with a track, a further label, a failure, and something to say."""
    track = {"track_id": "folder:a", "source": "folder", "source_id": "a", "licence": "x", "ml_use": "unknown"}
    made = build_listing([Row({**track, "genre": "reel", "mood": 0.5})], [failure("b.mp3", "empty", "no bytes")])
    made.capabilities, made.counts, made.notes = {"features": "not granted"}, {"requests": 3}, ["a note"]
    made.resume_after = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
    return made


def test_listing_comes_back_as_it_was(listing, tmp_path) -> None:
    """Tables and report are read as they were written."""
    write_listing(tmp_path / "one", listing, {"config": {}})
    again = read_listing(tmp_path / "one")
    for name in ("tracks", "labels", "failures"):
        assert getattr(again, name).equals(getattr(listing, name))
    for name in ("capabilities", "counts", "notes", "resume_after"):
        assert getattr(again, name) == getattr(listing, name)


def test_same_listing_has_the_same_bytes(listing, tmp_path) -> None:
    """The order in which a source found its tracks does not matter, nor when it did."""
    tracks = [
        Row({"track_id": f"folder:{name}", "source": "folder", "licence": "x", "ml_use": "unknown", "genre": name})
        for name in "ab"
    ]
    write_listing(tmp_path / "one", build_listing(tracks, []), {})
    write_listing(tmp_path / "two", build_listing(tracks[::-1], []), {})
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")
    assert content_of(tmp_path / "one").keys() == {"tracks", "labels", "failures"}
    write_listing(tmp_path / "two", listing, {})
    assert content_of(tmp_path / "one") != content_of(tmp_path / "two")


def test_absent_listing_is_none_and_a_damaged_one_is_named(listing, tmp_path) -> None:
    """Nothing there is nothing; what cannot be read says which folder to delete."""
    assert read_listing(tmp_path / "one") is None
    write_listing(tmp_path / "one", listing, {})
    (tmp_path / "one/tracks.parquet").write_bytes(b"PAR1")
    with pytest.raises(SoundatlasError, match=r"one is damaged: delete it"):
        read_listing(tmp_path / "one")


def test_write_that_fails_leaves_the_listing_before(listing, tmp_path, monkeypatch) -> None:
    """A full disk in the middle of writing leaves what was there."""
    write_listing(tmp_path / "one", listing, {})
    before = content_of(tmp_path / "one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("soundatlas.sources.listing_files.write_json", full)
    with pytest.raises(OSError, match="No space"):
        write_listing(tmp_path / "one", Listing(), {})
    assert content_of(tmp_path / "one") == before
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_key_tells_what_was_asked(as_source, tmp_path) -> None:
    """Two folders have two keys; another spelling of one folder has its key."""
    one, same, other = (
        as_source({"source": "folder", "path": path}) for path in ("data/a", f"{tmp_path}/data/../data/a", "data/b")
    )
    assert source_key(one, tmp_path) == source_key(same, tmp_path) != source_key(other, tmp_path)
    assert source_key(as_source({"source": "musicbrainz"}), tmp_path).startswith("musicbrainz-")


def test_home_is_the_users(tmp_path, monkeypatch) -> None:
    """`~` leads to the user's home; a relative path begins at the project, not where one stands."""
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    assert user_path("~/Music", tmp_path) == tmp_path / "anna/Music"
    assert user_path("data/a", tmp_path) == tmp_path / "data/a"
