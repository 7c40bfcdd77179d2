"""The points of the map."""

from __future__ import annotations

import pandas as pd
import pytest

from soundatlas.atlas.chart import POINT_COLUMNS
from soundatlas.atlas.points import gather_points
from soundatlas.history.answers import Answer
from soundatlas.sources.track_table import BESIDE
from soundatlas.tables import SPLIT, TRACKS, conform

HEADS, ATTRIBUTES = ("genre", "artist"), ("tempo_bpm",)


def said(reel: float, *, tempo: float = 100.0) -> dict[str, object]:
    """Return a prediction's row."""
    genre = {"reel": reel, "jig": (1 - reel) / 2, "air": (1 - reel) / 2, "waltz": 0.0}
    artist = {"anna": 1.0, "bela": 0.0}
    return {"genre_probabilities": genre, "artist_probabilities": artist, "tempo_bpm": tempo, "embedding": [reel, 1.0]}


@pytest.fixture
def tracks() -> pd.DataFrame:
    """Give four tracks, of which the second was not heard and the third could not be."""
    rows = [
        {
            "track_id": f"t:{n}",
            "audio_sha256": f"sha {n}",
            "path": f"{n}.wav",
            "title": f"piece {n}",
            "year": 1790.0 + n,
        }
        for n in range(4)
    ]
    return conform(pd.DataFrame(rows).assign(duration_seconds=9.0, polyphony=[1.0, 2.0, 3.0, None]), TRACKS).assign(
        side="train", energy=[0.1, 0.2, 0.3, 0.4]
    )


@pytest.fixture
def points(tracks):
    """Give the points of those tracks and of three files, two of them with the same bytes."""
    answers = {"sha 0": Answer.of_row(said(0.5)), "sha 2": Answer("not_audio"), "sha 3": Answer.of_row(said(0.8))}
    inbox = pd.DataFrame(
        [
            {**said(0.6, tempo=80.0), "path": "own.wav", "audio_sha256": "own", "status": "classified"},
            {**said(0.6), "path": "copy.wav", "audio_sha256": "own", "status": "classified"},
            {"path": "bad.wav", "audio_sha256": "bad", "status": "not_audio"},
        ]
    ).assign(known_artist="Anna", known_title=None, artist="what the model says")
    return gather_points(tracks, answers, inbox, heads=HEADS, attributes=ATTRIBUTES)


def test_the_catalogue_comes_first_and_only_what_was_heard_is_there(points):
    """Tracks and files that the model heard are points, the catalogue's first, of equal files one."""
    assert points.table["point_id"].tolist() == ["t:0", "t:3", "own"]
    assert points.table["layer"].tolist() == ["catalogue", "catalogue", "inbox"]
    assert points.catalogue_count == 2
    assert len(points.predictions) == len(points.probabilities) == len(points.embeddings) == 3
    assert points.embeddings[:, 0].tolist() == pytest.approx([0.5, 0.8, 0.6])


def test_labels_are_the_catalogue_s_and_the_source_s_never_the_model_s(points):
    """What the model says stands in no column of labels; a file has the names that its source knows."""
    assert points.table["title"].tolist()[:2] == ["piece 0", "piece 3"]
    assert points.table["artist"].iloc[2] == "Anna"
    assert pd.isna(points.table["title"].iloc[2])
    assert points.table["genre"].isna().all()
    assert points.table["year"].tolist()[:2] == [1790.0, 1793.0]


def test_attributes_are_the_numeric_columns_that_say_how_it_sounds(points):
    """Also those that only this catalogue has; not year and length, and not what no track has."""
    assert points.attributes == ("polyphony", "energy")
    assert [*points.table] == [*(name for name in POINT_COLUMNS if name not in {"x", "y"}), "polyphony", "energy"]


def test_texts_that_only_this_catalogue_has_are_labels(tracks):
    """Also those of the usual table that the map has no column for; not what names one track, nor what none has."""
    said_of = {"sha 0": Answer.of_row(said(0.5)), "sha 3": Answer.of_row(said(0.8))}
    inbox = pd.DataFrame([{**said(0.6), "path": "own.wav", "audio_sha256": "own", "status": "classified"}])
    more = tracks.assign(
        mood=["glad", "sad", "sad", None], isrc="one", group="g", key=["G", None, None, "D"], void=None
    )
    points = gather_points(
        more.astype(dict.fromkeys(("mood", "isrc", "group", "key", "void"), "str")),
        said_of,
        inbox.assign(known_artist=None, known_title=None),
        heads=HEADS,
        attributes=ATTRIBUTES,
    )
    assert points.labels == ("key", "mood")
    assert points.table["mood"].tolist()[0] == "glad"
    assert points.table["mood"].isna().tolist() == [False, True, True]
    assert points.table["key"].tolist()[:2] == ["G", "D"]


def test_predictions_name_the_best_three(points):
    """Per head the three most likely classes, the most likely first; the first head's certainty is the confidence."""
    assert [name for name, _ in points.predictions[0].heads["genre"]] == ["reel", "air", "jig"]
    assert [name for name, _ in points.predictions[0].heads["artist"]] == ["anna", "bela"]
    assert points.predictions[2].attributes == {"tempo_bpm": 80.0}
    assert points.table["confidence"].tolist() == pytest.approx([0.5, 0.8, 0.6])


def test_an_empty_inbox_is_none(tracks):
    """Without files there are the catalogue's points alone."""
    inbox = pd.DataFrame(columns=["status", "audio_sha256", "path", "known_artist", "known_title"])
    points = gather_points(tracks, {"sha 0": Answer.of_row(said(0.5))}, inbox, heads=HEADS, attributes=ATTRIBUTES)
    assert points.table["point_id"].tolist() == ["t:0"]


def test_no_label_of_a_table_is_named_like_a_column_of_ours():
    """What stands beside labels on the map and in the split is refused as a label where a user's table is read."""
    assert {*POINT_COLUMNS, *SPLIT} - set(TRACKS) == BESIDE
