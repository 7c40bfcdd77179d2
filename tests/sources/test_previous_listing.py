"""What a listing that met a quota takes over from the one before it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from soundatlas.sources.base import SAME_AS
from soundatlas.sources.previous_listing import take_over
from soundatlas.sources.rows import Row, build_listing

if TYPE_CHECKING:
    from soundatlas.sources.base import Listing

LATER = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def make_listing(*ids: str, resume_after: dt.datetime | None = None, **columns: Any) -> Listing:
    """Make a listing of some tracks, each with a genre."""
    about = {"source": "echo", "licence": "free", "ml_use": "allowed", "genre": "rock", **columns}
    listing = build_listing([Row({"track_id": f"echo:{one}", "source_id": one, **about}) for one in ids], [])
    listing.resume_after = resume_after
    return listing


def test_what_lacks_is_taken_over_with_its_labels() -> None:
    """After a quota each track is there once, with its labels, and a note tells how many are old."""
    listing = take_over(make_listing("1", "2", resume_after=LATER, genre="jazz"), make_listing("2", "3", "4"))
    assert [*listing.tracks["track_id"]] == ["echo:1", "echo:2", "echo:3", "echo:4"]
    assert [*listing.tracks["genre"]] == [*listing.labels["value"]] == ["jazz", "jazz", "rock", "rock"]
    assert listing.notes == ["2 tracks are those of the last listing, until they can be asked for again"]
    assert listing.resume_after == LATER


def test_a_second_quota_takes_nothing_away_either() -> None:
    """Also what was taken over once already stays."""
    once = take_over(make_listing("1", resume_after=LATER), make_listing("1", "2"))
    twice = take_over(make_listing(resume_after=LATER), once)
    assert [*twice.tracks["track_id"]] == ["echo:1", "echo:2"]


def test_a_whole_listing_takes_nothing_over() -> None:
    """What a listing without a quota lacks is gone; where nothing was before, there is nothing to take."""
    assert [*take_over(make_listing("1"), make_listing("1", "2")).tracks["track_id"]] == ["echo:1"]
    assert [*take_over(make_listing("1", resume_after=LATER), None).tracks["track_id"]] == ["echo:1"]


def test_a_track_that_was_found_anew_is_not_taken_over() -> None:
    """Where an enriching source has another row for the same track now, the old row goes."""
    new = make_listing("1", resume_after=LATER, **{SAME_AS: "spotify:1"})
    assert [*take_over(new, make_listing("2", **{SAME_AS: "spotify:1"})).tracks["track_id"]] == ["echo:1"]
