"""Classes, scales and targets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from soundatlas.errors import DataRefusedError
from soundatlas.learning.labels import MISSING, LabelSpace, Scale

CLASSES, ATTRIBUTES = ["genre", "artist"], ["tempo_bpm", "acousticness"]


@pytest.fixture
def tracks(catalogue):
    """Give four training tracks, one of them without labels."""
    return catalogue(
        {"genre": "reel", "artist": "ryan", "tempo_bpm": 120.0, "acousticness": 0.1},
        {"genre": "chorale", "artist": "bach", "tempo_bpm": 60.0, "acousticness": 0.1},
        {"genre": "reel", "artist": "aird", "tempo_bpm": 90.0, "acousticness": 0.1},
        {},
    )


@pytest.fixture
def space(tracks) -> LabelSpace:
    """Give what the four tracks teach."""
    return LabelSpace.of(tracks, CLASSES, ATTRIBUTES)


def test_classes_are_those_of_training_in_order(space) -> None:
    """Each head has its training classes, sorted, whatever the order of tracks."""
    assert space.classes == {"genre": ("chorale", "reel"), "artist": ("aird", "bach", "ryan")}
    assert list(space.classes) == CLASSES


def test_scales_are_of_the_values_that_are_there(space) -> None:
    """Mean and standard deviation leave missing values out."""
    assert space.attributes["tempo_bpm"].mean == pytest.approx(90.0)
    assert space.attributes["tempo_bpm"].std == pytest.approx(np.std([120.0, 60.0, 90.0]))


def test_attribute_that_does_not_vary_has_scale_one(space, catalogue) -> None:
    """Equal values, whose deviation rounds to nearly nothing, blow no other value up."""
    assert space.attributes["acousticness"].std == 1.0
    other = space.attribute_targets(catalogue({"acousticness": 0.6}))["acousticness"]
    assert other == pytest.approx([0.5])


def test_classes_become_indices(space, tracks) -> None:
    """A track's class is its place in the vocabulary."""
    targets = space.class_targets(tracks)
    assert targets["genre"].tolist() == [1, 0, 1, MISSING]
    assert targets["artist"].tolist() == [2, 1, 0, MISSING]
    assert {array.dtype for array in targets.values()} == {np.dtype(np.int64)}


def test_class_never_seen_in_training_is_missing(space, catalogue) -> None:
    """A test track of an unknown artist cannot be scored for its artist, and still can for its genre."""
    targets = space.class_targets(catalogue({"genre": "reel", "artist": "oneill"}))
    assert targets["artist"].tolist() == [MISSING]
    assert targets["genre"].tolist() == [1]


def test_attributes_become_standard_scores(space, tracks) -> None:
    """Training values have mean 0 and deviation 1; a missing one is NaN, not 0."""
    values = space.attribute_targets(tracks)["tempo_bpm"]
    assert values.dtype == np.float32
    assert values[:3].mean() == pytest.approx(0, abs=1e-6)
    assert values[:3].std() == pytest.approx(1, abs=1e-6)
    assert np.isnan(values[3])


def test_contract_round_trips_through_json(space) -> None:
    """A model's file gives back the very label space that it was trained with."""
    again = LabelSpace.from_contract(json.loads(json.dumps(space.contract())))
    assert again == space
    assert list(again.classes["artist"]) == list(space.classes["artist"])


@pytest.mark.parametrize("genres", [["reel", "reel"], ["reel", None], [None, None]], ids=str)
def test_head_with_nothing_to_tell_apart_is_refused(genres, catalogue) -> None:
    """Fewer than two classes are refused with the label's name."""
    tracks = catalogue(*({"genre": genre} for genre in genres))
    with pytest.raises(DataRefusedError, match="'genre'"):
        LabelSpace.of(tracks, ["genre"], [])


def test_attribute_without_values_is_left_out(tracks) -> None:
    """An attribute that no training track has is no part of the label space; the others are."""
    assert list(LabelSpace.of(tracks, ["genre"], ["mean_pitch", "tempo_bpm"]).attributes) == ["tempo_bpm"]


def test_heads_alone_are_a_label_space(tracks) -> None:
    """A model may learn no attributes."""
    space = LabelSpace.of(tracks, ["genre"], [])
    assert space.attributes == {}
    assert space.attribute_targets(tracks) == {}


def test_further_label_columns_can_be_learned(catalogue) -> None:
    """A column that only the user's catalogue has is a label like any other."""
    tracks = catalogue({"mood": "sad", "danceability": 1.0}, {"mood": "glad", "danceability": 3.0})
    space = LabelSpace.of(tracks, ["mood"], ["danceability"])
    assert space.classes["mood"] == ("glad", "sad")
    assert space.attributes["danceability"] == Scale(2.0, 1.0)
