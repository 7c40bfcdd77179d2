"""What one would use instead of the network."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic

from soundatlas.learning.baselines import BASELINES, baseline_probabilities
from soundatlas.learning.labels import LabelSpace


@pytest.fixture(scope="module")
def sides(store_of):
    """Give a store of separable tracks with their train and test sides."""
    tracks, log_mels = synthetic.separable(36)
    return store_of(log_mels), tracks.iloc[:24], tracks.iloc[24:].reset_index(drop=True)


@pytest.fixture(scope="module")
def space(sides) -> LabelSpace:
    """Give the classes of the train side."""
    return LabelSpace.of(sides[1], ["genre", "artist"], [])


def test_each_baseline_gives_probabilities_for_each_head(sides, space) -> None:
    """Every test track has a probability per class, and they sum to one."""
    found = baseline_probabilities(*sides, space)
    assert tuple(found) == BASELINES
    for heads in found.values():
        assert list(heads) == ["genre", "artist"]
        for probabilities in heads.values():
            assert probabilities.shape == (12, 2)
            assert probabilities.dtype == np.float32
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_majority_says_the_shares_of_training(sides, space) -> None:
    """It knows nothing of a track but how often each class occurred among the labelled training tracks."""
    store, train, test = sides
    fewer = train[(train["genre"] == "low") | (train.index < 8)]
    shares = fewer["genre"].value_counts(normalize=True).reindex(space.classes["genre"])
    probabilities = baseline_probabilities(store, fewer, test, space)["majority"]["genre"]
    np.testing.assert_allclose(probabilities, np.tile(shares, (12, 1)), rtol=1e-6)


def test_timbre_tells_separable_classes_apart(sides, space) -> None:
    """MFCC statistics with logistic regression find what is there to be found."""
    probabilities = baseline_probabilities(*sides, space)["mfcc_logistic_regression"]["genre"]
    assert probabilities.argmax(axis=1).tolist() == space.class_targets(sides[2])["genre"].tolist()


def test_unlabelled_training_tracks_teach_nothing(sides, space) -> None:
    """A track without an artist is as good as none for that head."""
    store, train, test = sides
    labelled = train[train["artist"].notna()]
    assert len(labelled) < len(train)
    one, other = (baseline_probabilities(store, side, test, space) for side in (train, labelled))
    for name in BASELINES:
        np.testing.assert_allclose(one[name]["artist"], other[name]["artist"], atol=1e-6)


def test_class_without_training_tracks_has_no_probability(sides) -> None:
    """A class that the label space knows and these tracks do not have keeps its column."""
    store, train, test = sides
    wider = LabelSpace({"genre": ("high", "hymn", "low")}, {})
    for heads in baseline_probabilities(store, train, test, wider).values():
        assert heads["genre"].shape == (12, 3)
        assert set(heads["genre"][:, 1]) == {0.0}


def test_baselines_are_always_the_same(sides, space) -> None:
    """Nothing in them is drawn by chance."""
    one, other = baseline_probabilities(*sides, space), baseline_probabilities(*sides, space)
    for name in BASELINES:
        for head in space.classes:
            np.testing.assert_array_equal(one[name][head], other[name][head])
