"""Tables of a listing from rows."""

from __future__ import annotations

import json

from soundatlas.sources.rows import TEMPI_BPM, Row, build_listing, decade_of, failure
from soundatlas.tables import FAILURES, LABELS, TRACKS

ABOUT = {"track_id": "a:1", "source": "a", "source_id": "1", "licence": "CC0-1.0", "ml_use": "allowed"}


def test_sources_and_the_quality_gate_take_the_same_tempi(repository):
    """A tempo that a source lets through does not stop the line as an impossible one."""
    rules = json.loads((repository / "gx/expectations/catalog.json").read_text(encoding="utf-8"))["expectations"]
    (plausible,) = (rule["kwargs"] for rule in rules if rule["meta"]["rule"] == "tempo-plausible")
    assert (plausible["min_value"], plausible["max_value"]) == TEMPI_BPM


def test_present_values_are_labels_with_where_they_come_from() -> None:
    """What is there is a label; what is missing, and what only says which track it is, is none."""
    row = Row(
        {**ABOUT, "path": "a.mp3", "duration_seconds": 3.0, "genre": "reel", "title": None, "tempo_bpm": 96.5},
        {"genre": "tag"},
        {"genre": ("CC-BY-NC-SA", "restricted")},
    )
    labels = build_listing([row], []).labels.set_index("label")
    assert list(labels.index) == ["genre", "tempo_bpm"]
    assert labels.loc["genre"].to_dict() == {
        "track_id": "a:1",
        "value": "reel",
        "provenance": "tag",
        "licence": "CC-BY-NC-SA",
        "ml_use": "restricted",
    }
    assert labels.loc["tempo_bpm", ["value", "provenance", "ml_use"]].tolist() == ["96.5", "a", "allowed"]


def test_decade_follows_from_the_year() -> None:
    """A year brings its decade, which has its provenance; one that is given stays."""
    listing = build_listing([Row({**ABOUT, "year": 1771.0}, {"year": "tag"})], [])
    assert listing.tracks["decade"].item() == "1770s"
    assert listing.labels.set_index("label").loc["decade", "provenance"] == "tag"
    assert build_listing([Row({**ABOUT, "year": 1771.0, "decade": "1780s"})], []).tracks["decade"].item() == "1780s"
    assert (decade_of(1780.0), decade_of(999)) == ("1780s", "990s")


def test_nothing_is_empty_tables() -> None:
    """No rows and no failures are tables with all columns."""
    listing = build_listing([], [])
    assert (list(listing.tracks), list(listing.labels), list(listing.failures)) == ([*TRACKS], [*LABELS], [*FAILURES])
    assert len(build_listing([], [failure("a", "empty", "no bytes")]).failures) == 1
