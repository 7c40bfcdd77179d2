"""From what the model hears to a chart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clouds import make_clouds, make_descriptors

from soundatlas.atlas.chart import CATALOGUE, INBOX, POINT_COLUMNS, MapModel, Prediction
from soundatlas.atlas.drawing import Survey, draw_chart
from soundatlas.atlas.points import Points
from soundatlas.atlas.remembered import LayoutMemory
from soundatlas.history.store import open_history
from soundatlas.tables import LABELS, empty

COUNT, FILES = 60, 4


def survey(model: str = "m", count: int = COUNT, *, twins: bool = False, known: bool = False) -> Survey:
    """Return a survey of tracks in four clouds and of files like the first ones.

    With twins, two tracks are of one audio; with known, the first file is the first track's.
    """
    shas, embeddings, members = make_clouds(count)
    if twins:
        shas[1], embeddings[1] = shas[0], embeddings[0]
    files = min(count, FILES)
    total = count + files
    table = pd.DataFrame(
        {
            "point_id": [f"t:{number}" for number in range(total)],
            "layer": [CATALOGUE] * count + [INBOX] * files,
            "artist": [f"artist {cloud}" for cloud in members] + [None] * files,
            "genre": ["low" if cloud < 2 else "high" for cloud in members] + [None] * files,
            "audio_sha256": shas + [shas[0] if known and not number else f"file {number}" for number in range(files)],
            "side": ["test" if number % 3 == 0 else "train" for number in range(count)] + [None] * files,
            "energy": 1.0,
        }
    ).reindex(columns=[*(name for name in POINT_COLUMNS if name not in {"x", "y"}), "energy"])
    points = Points(
        table,
        ("energy",),
        [Prediction({"genre": (("low", 1.0),)}, {"tempo_bpm": 100.0})] * total,
        [{"low": 1.0}] * total,
        np.concatenate([embeddings, embeddings[:files] + np.float32(0.01)]),
    )
    works = np.array([f"work {number // 2}" for number in range(count)], object)
    known = MapModel("soundatlas", "2", model)
    heads, values, heard = ("genre", "artist"), ("tempo_bpm",), np.zeros(count, bool)
    return Survey(points, make_descriptors(count), works, heard, empty(LABELS), heads, values, known)


@pytest.fixture
def draw(tmp_path):
    """Give a function that draws in one project."""

    def draw_survey(surveyed: Survey):
        with open_history(tmp_path) as history:
            history.note_projection(surveyed.model.content_sha256)
        name = lambda content: MapModel("soundatlas", None, content)  # noqa: E731 - shorter than a function
        return draw_chart(surveyed, LayoutMemory(tmp_path, 1), name, neighbours=5, seed=1, refit_share=0.2)

    return draw_survey


def test_a_chart_is_whole(draw):
    """Every part is there, in the shapes that it promises."""
    chart = draw(survey())
    assert [*chart.points] == [*POINT_COLUMNS, "energy"]
    assert chart.points[["x", "y"]].dtypes.tolist() == [np.float32] * 2
    assert chart.points[["x", "y"]].abs().max().max() <= 1
    assert chart.neighbours.indices.shape == (COUNT + FILES, 5)
    assert chart.neighbours.reasons[0][0] == "shares: low 1.00, tempo"
    assert [place.name for place in chart.places] == [*(f"artist {n}" for n in range(4)), "high", "low"]
    assert [axis.direction for axis in chart.axes] == ["horizontal", "vertical"]
    assert (chart.primary_head, chart.previous) == ("genre", None)


def test_files_of_the_inbox_lie_among_their_like(draw):
    """A file that sounds like a track has it as nearest, and lies in its cloud."""
    chart = draw(survey())
    positions = chart.points[["x", "y"]].to_numpy()
    assert chart.neighbours.indices[COUNT:, 0].tolist() == [0, 1, 2, 3]
    for number in range(FILES):
        apart = np.linalg.norm(positions[:COUNT] - positions[COUNT + number], axis=1)
        assert apart.argmin() % 4 == number


def test_metrics_are_json_and_say_over_what(draw):
    """Trustworthiness, preservation, agreement per label and axes are numbers, with what they were measured on."""
    quality = draw(survey()).quality
    assert json.loads(json.dumps(quality, allow_nan=False)) == quality
    assert quality["trustworthiness"] > 0.9
    assert set(quality["label_agreement"]) == {"genre", "artist"}
    assert quality["label_agreement"]["artist"]["tracks"] == 20
    assert set(quality["axes"]) == {"horizontal", "vertical"}
    assert quality["about"]["tracks"] == COUNT
    assert quality["about"]["inbox"] == FILES
    assert "other works only" in quality["about"]["label_agreement"]


def test_what_the_model_was_trained_on_is_not_asked(draw):
    """A test track is none for a champion of an earlier split that was trained on it or on its group."""
    surveyed = survey()
    heard = np.arange(COUNT) < 6  # two of them on the test side
    assert draw(replace(surveyed, heard=heard)).quality["label_agreement"]["artist"]["tracks"] == 18


def test_one_track_more_moves_nothing_else(draw):
    """Rebuilt with a new track, everything else moves less than 1 % of the map's width: not at all."""
    before, after = (draw(survey(count=count)).points.set_index("audio_sha256")[["x", "y"]] for count in (60, 61))
    assert (after.loc[before.index] - before).abs().max().max() == 0
    assert len(after) == len(before) + 1


def test_tracks_with_one_audio_lie_on_one_another(draw):
    """Two tracks of the same bytes are two points at one place."""
    chart = draw(survey(twins=True))
    assert chart.points.loc[0, ["x", "y"]].tolist() == chart.points.loc[1, ["x", "y"]].tolist()
    assert chart.points["point_id"].tolist()[:2] == ["t:0", "t:1"]
    assert 1 not in chart.neighbours.indices[0]


def test_a_file_that_is_in_the_catalogue_lies_where_it_lies_there(draw):
    """The same bytes are at one place, and are no neighbours of themselves."""
    chart = draw(survey(known=True))
    assert chart.points.loc[COUNT, ["x", "y"]].tolist() == chart.points.loc[0, ["x", "y"]].tolist()
    assert 0 not in chart.neighbours.indices[COUNT]
    assert COUNT not in chart.neighbours.indices[0]
    assert chart.neighbours.indices[COUNT + 1, 0] == 1


def test_the_map_before_is_there_to_compare(draw):
    """After a change of the model, each track of the catalogue knows where it lay; files of the inbox do not."""
    draw(survey("old"))
    chart = draw(survey("new"))
    assert chart.previous is not None
    assert chart.previous.model == MapModel("soundatlas", None, "old")
    assert np.isfinite(chart.previous.x[:COUNT]).all()
    assert np.isnan(chart.previous.y[COUNT:]).all()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_tiny_catalogue_has_a_map(draw, count):
    """The smallest catalogues end in no fault, and nothing is claimed that cannot be measured."""
    chart = draw(survey(count=count))
    assert len(chart.points) == count + min(count, FILES)
    assert np.isfinite(chart.points[["x", "y"]].to_numpy()).all()
    assert ("trustworthiness" in chart.quality) == (count > 2)
