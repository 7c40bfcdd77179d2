"""What the page is told equals the chart."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic_chart import make_chart

from soundatlas.atlas.payload import LABEL_FIELDS, POINTS_PER_CHUNK, detail_chunks, map_payload
from soundatlas.errors import SoundatlasError

COUNT, INBOX = 130, 10


@pytest.fixture(scope="module")
def chart():
    """Give a map of more points than one chunk holds."""
    return make_chart(COUNT, inbox=INBOX)


def numbers(text: str, dtype: str = "<f4") -> np.ndarray:
    """Return a packed column."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


def names(told: dict[str, object], column: str) -> list[str | None]:
    """Return a category of every point."""
    packed = dict(told["categories"])[column]
    values = [*packed["values"], None]
    return [values[code] for code in numbers(packed["codes"], "<u4")]


def test_columns_are_the_charts(chart):
    """Positions, names and numbers stand in the order of the points."""
    told = map_payload(chart)
    assert told["ids"] == chart.points["point_id"].tolist()
    np.testing.assert_array_equal(numbers(told["x"]), chart.points["x"])
    np.testing.assert_array_equal(
        numbers(dict(told["numbers"])["tempo_bpm"]), chart.points["tempo_bpm"].astype("float32")
    )
    assert (
        names(told, "genre") == chart.points["genre"].astype(object).where(chart.points["genre"].notna(), None).tolist()
    )
    assert (told["count"], told["catalogueCount"]) == (COUNT + INBOX, COUNT)


def test_numbers_are_pairs_whatever_a_column_is_called(chart):
    """A column that a script would take for something else is one of many: `__proto__` is no key of any object."""
    named = chart.points.rename(columns={"tempo_bpm": "__proto__"})
    told = map_payload(replace(chart, points=named, attributes=("__proto__", "acousticness")))
    assert [name for name, _ in told["numbers"]] == ["confidence", "year", "__proto__", "acousticness"]
    np.testing.assert_array_equal(numbers(told["numbers"][2][1]), named["__proto__"].astype("float32"))


def test_labels_of_this_catalogue_are_categories_of_a_few_names(chart):
    """The twelve most frequent names of a further label stand, the others are one, and missing stays missing."""
    frequent = [f"mood {number % 12}" for number in range(COUNT - 6)]
    moods = [*frequent, "rare", "rarer", *[None] * (4 + INBOX)]
    told = map_payload(replace(chart, labels=pd.DataFrame({"mood": moods, "__proto__": "one"})))
    assert told["labels"] == ["mood", "__proto__"]
    assert names(told, "mood") == [*frequent, "other", "other", *[None] * (4 + INBOX)]
    assert names(told, "__proto__") == ["one"] * (COUNT + INBOX)


def test_places_name_their_members_and_nearest(chart):
    """An artist's members are positions of points, its nearest are positions of places."""
    told = map_payload(chart)
    place, given = told["places"][0], chart.places[0]
    assert numbers(place["members"], "<u4").tolist() == given.members.tolist()
    assert [near[0] for near in place["near"]] == given.indices.tolist()


def test_a_point_without_a_title_is_called_by_its_file(chart):
    """Files of the inbox have a name, if not a title."""
    told = map_payload(chart)
    assert told["titles"][0] == "Piece 0"
    assert told["titles"][COUNT] == f"Piece {COUNT}.mp3"


def test_unlabelled_points_carry_the_models_guess(chart):
    """Where no label speaks, the most likely class of the primary head does; else the label does."""
    told = map_payload(chart)
    names = [*told["guesses"]["values"], None]
    guesses = [names[code] for code in numbers(told["guesses"]["codes"], "<u4")]
    assert set(guesses[:COUNT]) == {None}
    for guess, prediction in zip(guesses[COUNT:], chart.predictions[COUNT:], strict=True):
        assert guess == (prediction.heads["genre"][0][0] if prediction.heads else None)


def test_the_map_before_may_be_missing(chart):
    """Without an earlier map there is nothing to compare, and the page is told so."""
    assert map_payload(replace(chart, previous=None))["previous"] is None
    assert np.isnan(numbers(map_payload(chart)["previous"]["x"])).sum() == np.isnan(chart.previous.x).sum()


def test_figures_that_are_not_finite_are_told_as_unknown(chart):
    """A quality that could not be computed stops no page."""
    told = map_payload(replace(chart, quality={"trustworthiness": float("nan"), "points": np.int64(3)}))
    assert told["quality"] == {"trustworthiness": None, "points": 3}


def test_details_are_the_charts(chart):
    """Every point has its neighbours, its labels with provenance and its predictions, whatever chunk it is in."""
    clips = {identity: f"clips/{number} #.ogg" for number, identity in enumerate(chart.points["point_id"])}
    chunks = dict(detail_chunks(chart, clips, {}))
    assert sorted(chunks) == [0, 1]
    for number in (0, POINTS_PER_CHUNK, COUNT + INBOX - 1):
        strings = chunks[number // POINTS_PER_CHUNK]["strings"]
        told = chunks[number // POINTS_PER_CHUNK]["points"][number % POINTS_PER_CHUNK]
        assert told["clip"] == f"clips/{number}%20%23.ogg"
        assert told["picture"] is None
        assert [near[0] for near in told["near"]] == chart.neighbours.indices[number].tolist()
        np.testing.assert_allclose([near[1] for near in told["near"]], chart.neighbours.similarities[number], atol=1e-4)
        assert [strings[near[2]] for near in told["near"]] == chart.neighbours.reasons[number]
        heads = {strings[head]: [(strings[name], share) for name, share in best] for head, best in told["heads"]}
        assert heads == {
            head: [(name, round(share, 4)) for name, share in best]
            for head, best in chart.predictions[number].heads.items()
        }
        rows = chart.provenance[chart.provenance["track_id"] == chart.points["point_id"][number]]
        assert [tuple(strings[code] for code in row) for row in told["labels"]] == list(
            rows[list(LABEL_FIELDS)].itertuples(index=False, name=None)
        )


def test_places_that_a_point_lacks_are_left_out(chart):
    """Minus one is no neighbour."""
    indices = chart.neighbours.indices.copy()
    indices[0, 3:] = -1
    few = replace(chart, neighbours=replace(chart.neighbours, indices=indices))
    assert len(next(detail_chunks(few, {}, {}))[1]["points"][0]["near"]) == 3


def test_a_missing_field_of_a_label_is_missing(chart):
    """A label without a licence is not one with an empty licence."""
    rows = chart.provenance.copy()
    rows.loc[0, "licence"] = pd.NA
    told = next(detail_chunks(replace(chart, provenance=rows), {}, {}))[1]["points"][0]["labels"][0]
    assert told[LABEL_FIELDS.index("licence")] == -1


@pytest.mark.parametrize("path", ["../secret.ogg", "/etc/passwd", "clips/../../secret.ogg", "clips\\secret.ogg", ""])
def test_a_clip_outside_of_the_folder_is_refused(chart, path):
    """The page links into its own folder only."""
    with pytest.raises(SoundatlasError, match="not below the map's folder"):
        next(detail_chunks(chart, {chart.points["point_id"][0]: path}, {}))


def test_of_a_file_outside_of_the_project_only_the_name_is_told(chart):
    """A map that is sent on does not say where its maker's music lies; paths within the project stay."""
    points = chart.points.copy()
    points.loc[[0, 1], "path"] = ["/home/anna/music/air.mp3", "C:/Users/anna/air.mp3"]
    told = next(detail_chunks(replace(chart, points=points), {}, {}))[1]["points"]
    assert [row["path"] for row in told[:3]] == ["air.mp3", "air.mp3", points.loc[2, "path"]]
