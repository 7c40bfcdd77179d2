"""Why things lie close."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.atlas.chart import Prediction
from soundatlas.atlas.reasons import attribute_name, give_reasons, traits_of

ATTRIBUTES = ("tempo_bpm", "acousticness", "mean_pitch", "polyphony")
ROWS = [
    ({"jig": 0.7, "reel": 0.3}, (100, 1.0, 60, 1)),
    ({"jig": 0.62, "reel": 0.38}, (101, 1.0, 70, 3)),
    ({"jig": 0.1, "reel": 0.9}, (180, 0.0, 80, 5)),
    ({}, ()),
]


@pytest.fixture
def traits():
    """Give the traits of four things, of which the last was not predicted."""
    predictions = [Prediction({}, dict(zip(ATTRIBUTES, values, strict=False))) for _, values in ROWS]
    return traits_of([shares for shares, _ in ROWS], predictions, ATTRIBUTES)


def test_shared_are_the_class_of_both_and_close_attributes(traits):
    """The class has the lower of both probabilities; attributes stand in order of closeness, without their unit."""
    [[first, second]] = give_reasons(traits, np.array([[1, 2]], np.int32))
    assert first == "shares: jig 0.62, acousticness, tempo"
    assert second == "shares: reel 0.30"


def test_nothing_shared_is_nothing_said(traits):
    """Without neighbour, without prediction, or with nothing in common there is no reason."""
    reasons = give_reasons(traits, np.array([[-1, 3], [-1, -1], [3, -1], [0, 1]], np.int32))
    assert reasons == [["", ""]] * 4


def test_groups_share_what_their_members_share_on_average(traits):
    """A group has the mean of its members."""
    groups = traits.of_groups([np.array([0, 1], np.int32), np.array([2], np.int32)])
    assert groups.probabilities[0] == pytest.approx([0.66, 0.34])
    assert give_reasons(groups, np.array([[1], [0]], np.int32)) == [["shares: reel 0.34"]] * 2


def test_three_attributes_at_most():
    """Of more close attributes, the three closest are told."""
    same = [Prediction({}, dict.fromkeys(ATTRIBUTES, 1.0)), Prediction({}, dict.fromkeys(ATTRIBUTES, 1.0))]
    [[reason], _] = give_reasons(traits_of([{}, {}], same, ATTRIBUTES), np.array([[1], [0]], np.int32))
    assert reason == "shares: tempo, acousticness, mean pitch"


@pytest.mark.parametrize(
    ("column", "name"),
    [("tempo_bpm", "tempo"), ("notes_per_second", "notes per second"), ("level_db", "level"), ("x", "x")],
)
def test_columns_have_names(column, name):
    """A column is called by its words, without the unit."""
    assert attribute_name(column) == name
