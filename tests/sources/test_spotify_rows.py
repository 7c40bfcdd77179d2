"""Rows of Spotify: whatever an answer holds, each entry is one row or one failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.sources.rows import build_listing
from soundatlas.sources.spotify_rows import build_row, read_entry, read_features, read_track
from soundatlas.tables import REASONS, write_table
from tests.fakes.spotify import features, spotify_id, track

WHERE = "spotify:saved#1"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*track(1), "linked_from", "item"]
TRACKS = st.builds(
    lambda number, changes: track(number, **changes),
    st.integers(0, 5),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4),
)
ENTRIES = (
    VALUES
    | st.fixed_dictionaries({"item": TRACKS | VALUES}, optional={"is_local": VALUES})
    | st.builds(lambda one: {"track": one}, TRACKS)
)


@settings(max_examples=60, deadline=None)
@given(entries=st.lists(ENTRIES, max_size=6), audio_features=VALUES)
def test_every_entry_is_a_row_or_a_failure(
    entries: list[Any], audio_features: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever stands in a page, each entry is accounted for once, survives our memory, and fits the tables."""
    read = [json.loads(json.dumps(read_entry(entry, f"{WHERE}{position}"))) for position, entry in enumerate(entries)]
    assert all(("failure" in one) != ("id" in one) for one in read)
    tracks = {one["id"]: one for one in read if "id" in one}
    failures = [one["failure"] for one in read if "failure" in one]
    listing = build_listing((build_row(one, read_features(audio_features)) for one in tracks.values()), failures)
    assert set(listing.failures["reason"]) <= set(REASONS)
    assert listing.tracks["track_id"].is_unique
    folder = tmp_path_factory.getbasetemp()
    write_table(listing.tracks, folder / "tracks.parquet")
    write_table(listing.labels, folder / "labels.parquet")


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"name": "  Za\u0000b\ud800 "}, "title", "Za b?"),
        ({"name": 5}, "title", None),
        ({"artists": []}, "artist", None),
        ({"artists": [None, {"name": ""}, {"name": "Second"}]}, "artist", "Second"),
        ({"album": None}, "year", None),
        ({"album": {"release_date": "0000"}}, "year", None),
        ({"album": {"release_date": "1968"}}, "year", 1968),
        ({"external_ids": {"isrc": "us-rc1-76-07839"}}, "isrc", "USRC17607839"),
        ({"external_ids": {"isrc": "no code"}}, "isrc", None),
        ({"duration_ms": -1}, "duration_seconds", None),
        ({"duration_ms": True}, "duration_seconds", None),
        ({"duration_ms": 10**400}, "duration_seconds", None),
    ],
)
def test_a_field_that_makes_no_sense_is_missing(changes: dict[str, Any], column: str, value: Any) -> None:
    """A value that cannot be is missing, and takes nothing else of the track with it."""
    read = read_track(track(1, **changes), WHERE)
    assert read[column] == value
    assert read["id"] == spotify_id(1)


def test_features_have_their_units() -> None:
    """A share is 0 to 1, a key a note's name, a loudness decibels; what is outside of its range is missing."""
    read = read_features(features(2) | {"energy": 1.5, "loudness": float("nan"), "tempo": 0})
    assert read is not None
    assert (read["danceability"], read["key"], read["mode"], read["beats_per_bar"]) == (0.5, "C#", "minor", 4.0)
    assert (read["energy"], read["loudness_db"], read["tempo_bpm"]) == (None, None, None)
    assert [read_features({"tempo": tempo}) for tempo in (0, 19.9, 400.1)] == [None] * 3
    assert read_features(None) is None
