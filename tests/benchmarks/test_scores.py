"""Figures over seeds, and peers compared in pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from benchmarks.quality.cells import Cell, Heard, prediction_table
from benchmarks.quality.peer import highest_probabilities
from benchmarks.quality.scores import (
    HeadResult,
    OpenSetResult,
    attribute_figures,
    class_figures,
    head_result,
    open_set_figures,
    open_set_result,
    paired_difference,
    retrieval_figures,
)
from soundatlas.learning.evaluation import Predictions

TRACKS = 60
TRUTH = np.arange(TRACKS) % 3
GROUPS = np.array([f"work {number // 2}" for number in range(TRACKS)])


def result(*wrong) -> HeadResult:
    """Make a result with a seed per mask of tracks that are taken for the next class."""
    guesses = [np.where(mask, (TRUTH + 1) % 3, TRUTH) for mask in wrong]
    probabilities = np.stack([np.eye(3, dtype=np.float32)[guess] * 0.7 + 0.1 for guess in guesses])
    return HeadResult(GROUPS, TRUTH, probabilities, tuple(range(len(wrong))))


def test_a_better_peer_is_surely_better():
    """One that is nearly always right beats one that is nearly never: p is 0 and the interval is above it."""
    rarely, mostly = np.arange(TRACKS) % 10 == 0, np.arange(TRACKS) % 10 != 0
    gain = paired_difference(result(rarely, rarely), result(mostly), 300, 0.95)
    assert gain.p == 0
    assert 0 < gain.low < gain.value < gain.high
    assert paired_difference(result(mostly), result(rarely), 300, 0.95).p == 1


def test_equal_peers_are_not_told_apart():
    """Two that err equally often, each on other works, have a difference near 0 and p near a half."""
    first = np.arange(TRACKS) % 12 < 6
    gain = paired_difference(result(first), result(~first), 1000, 0.95)
    assert abs(gain.value) < 0.01
    assert 0.4 < gain.p < 0.6
    assert gain.low < 0 < gain.high


def test_the_difference_is_of_means_over_seeds():
    """It is the mean over the seeds of one less that of the other, whatever the number of seeds of each."""
    one, two = np.arange(TRACKS) % 4 == 0, np.arange(TRACKS) % 5 == 0
    ours, theirs = result(one, two), result(np.ones(TRACKS, dtype=bool))
    expected = [f1_score(TRUTH, guess, average="macro") for guess in ours.guesses]
    assert paired_difference(ours, theirs, 100, 0.95).value == pytest.approx(np.mean(expected))


def test_figures_are_means_over_seeds():
    """Each figure is the mean of what scikit-learn says of each seed, and every seed's macro F1 is kept."""
    ours = result(np.arange(TRACKS) % 4 == 0, np.arange(TRACKS) % 5 == 0)
    figures = class_figures(ours, 100, 0.95)
    macro = [f1_score(TRUTH, guess, average="macro") for guess in ours.guesses]
    assert figures["macro_f1_per_seed"] == pytest.approx(macro)
    assert figures["macro_f1"] == pytest.approx(np.mean(macro))
    assert figures["weighted_f1"] == pytest.approx(
        np.mean([f1_score(TRUTH, guess, average="weighted") for guess in ours.guesses])
    )
    assert figures["accuracy"] == pytest.approx((0.75 + 0.8) / 2)
    assert figures["top_3_accuracy"] == 1
    assert figures["ece"] == pytest.approx((abs(0.8 - 0.75) + abs(0.8 - 0.8)) / 2, abs=1e-6)
    assert figures["macro_f1_low"] < figures["macro_f1"] < figures["macro_f1_high"]


def cell(fold, seed, probabilities, tempo, precisions=None) -> Cell:
    """Make a cell of given predictions."""
    predictions = Predictions({"genre": np.asarray(probabilities, np.float32)}, {"tempo_bpm": np.asarray(tempo)})
    heard = Heard(predictions, highest_probabilities(predictions), precisions or {})
    table = prediction_table(heard, fold, {"genre": ("jig", "march", "reel", "waltz")})
    return Cell("peer", "work", 0, seed, 1.0, 1.0, 1.0, (), table)


def test_a_class_that_was_never_learnt_is_not_judged(fold):
    """A test track of a new genre is left out; the others' probabilities stand in the data set's columns."""
    shares = [[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2]]
    judged = head_result([cell(fold, 1, shares, [90, 91, 92])], "genre", ("jig", "march", "reel", "waltz"))
    assert judged.truth.tolist() == [0, 3]
    np.testing.assert_allclose(judged.probabilities[0], [[0.6, 0, 0.3, 0.1], [0.1, 0, 0.7, 0.2]])
    assert judged.guesses.tolist() == [[0, 2]]


def test_r2_is_against_the_training_mean(fold):
    """True values have 1, the training mean 0, and two seeds their mean; a peer without values has none."""
    shares = np.eye(3)
    mean = fold.space.attributes["tempo_bpm"].mean
    right, dull = cell(fold, 1, shares, [90.0, 91, 92]), cell(fold, 2, shares, [mean] * 3)
    assert attribute_figures([right], "tempo_bpm", 100, 0.95)["r2"] == 1
    assert attribute_figures([dull], "tempo_bpm", 100, 0.95)["r2"] == pytest.approx(0)
    assert attribute_figures([right, dull], "tempo_bpm", 100, 0.95)["r2"] == pytest.approx(0.5)
    assert attribute_figures([right], "polyphony", 100, 0.95) is None


def test_spearman_is_within_folds(fold):
    """The order of the values counts, per fold and seed; a fold whose guesses are all one says nothing."""
    shares, mean = np.eye(3), fold.space.attributes["tempo_bpm"].mean
    ordered, turned = cell(fold, 1, shares, [100.0, 150, 151]), cell(fold, 2, shares, [92.0, 91, 90])
    dull = cell(fold, 2, shares, [mean] * 3)
    assert attribute_figures([ordered], "tempo_bpm", 100, 0.95)["spearman"] == pytest.approx(1)
    assert attribute_figures([ordered, turned], "tempo_bpm", 100, 0.95)["spearman"] == pytest.approx(0)
    assert attribute_figures([ordered, dull], "tempo_bpm", 100, 0.95)["spearman"] == pytest.approx(1)
    assert np.isnan(attribute_figures([dull], "tempo_bpm", 100, 0.95)["spearman"])
    named = replace(fold, number=1, test=fold.test.assign(track_id=["o:1", "o:2", "o:3"]))
    higher = replace(dull, fold=1, predictions=cell(named, 2, shares, [mean + 9] * 3).predictions)
    assert np.isnan(attribute_figures([dull, higher], "tempo_bpm", 100, 0.95)["spearman"]), "means are no ranking"


def test_unknown_classes_are_told_by_knownness(fold):
    """Test tracks of a genre that was never learnt are the unknown ones; the AUROC is the mean over the seeds."""
    test = pd.concat([fold.test[:2]] * 5, ignore_index=True)  # jig, march, jig, march ...
    names = [f"test:{number:02d}" for number in range(10)]
    wide = replace(fold, test=test.assign(track_id=names, group=names))
    told = cell(wide, 1, [[0.9, 0.05, 0.05], [0.4, 0.3, 0.3]] * 5, [90] * 10)
    fooled = cell(wide, 2, [[0.8, 0.1, 0.1]] * 10, [90] * 10)
    figures = open_set_figures(open_set_result([told, fooled], "genre"), 200, 0.95)
    assert figures["auroc"] == pytest.approx((1.0 + 0.5) / 2)
    assert (figures["known_tracks"], figures["unknown_tracks"]) == (5, 5)
    assert figures["auroc_low"] <= figures["auroc"] <= figures["auroc_high"]


def open_set(known, unknown_tracks, unknown_groups) -> OpenSetResult:
    """Make a result of so many known tracks, each a group, and of unknown ones with given ids and groups."""
    names = [f"known {number}" for number in range(known)]
    learnt = np.arange(known + len(unknown_tracks)) < known
    knownness = np.random.default_rng(0).uniform(size=(1, len(learnt)))
    return OpenSetResult(np.array(names + unknown_tracks), np.array(names + unknown_groups), learnt, knownness)


def test_every_sample_has_as_many_groups_of_unknown_tracks():
    """However rare they are, the interval shows what the choice of unknown groups matters; groups are drawn whole."""
    pairs = [f"work {number // 2}" for number in range(10)]
    result = open_set(500, [f"unknown {number}" for number in range(10)], pairs)
    samples = result.resamples(1000)
    assert {int((~result.learnt[rows]).sum()) for rows in samples} == {10}
    assert {int(result.learnt[rows].sum()) for rows in samples} == {500}
    drawn = np.unique(result.groups[samples[0]], return_counts=True)
    assert all(count % 2 == 0 for name, count in zip(*drawn, strict=True) if name.startswith("work"))
    assert {name for rows in samples for name in result.groups[rows]} >= set(pairs)


def test_kinds_of_as_many_groups_are_drawn_independently():
    """With five groups of either kind, samples do not pair them off: the interval would be another one."""
    result = open_set(5, [f"unknown {number}" for number in range(5)], [f"work {number}" for number in range(5)])
    paired = [
        sorted(rows[result.learnt[rows]]) == sorted(rows[~result.learnt[rows]] - 5) for rows in result.resamples(200)
    ]
    assert sum(paired) < 20


@pytest.mark.parametrize(
    ("known", "tracks", "groups", "told"),
    [
        (40, ["a", "b", "c", "d"], ["a", "b", "c", "d"], 4),
        (40, ["stranger"] * 5, ["stranger"] * 5, 1),
        (40, ["a", "b", "c", "d", "e"], ["album"] * 5, 5),
        (4, ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e"], 5),
    ],
    ids=["four tracks", "one in five folds", "five of one album", "four known ones"],
)
def test_too_few_unknown_tracks_have_no_auroc(known, tracks, groups, told):
    """Below five groups of unknown, or of known tracks, an interval would be made up: only the counts are given."""
    figures = open_set_figures(open_set(known, tracks, groups), 100, 0.95)
    assert np.isnan([figures["auroc"], figures["auroc_low"], figures["auroc_high"]]).all()
    assert (figures["known_tracks"], figures["unknown_tracks"]) == (known, told)


def test_without_unknown_classes_there_is_no_auroc(fold):
    """Where every track's class was learnt, nothing is claimed."""
    known = replace(fold, test=fold.test[fold.test["genre"] != "march"].reset_index(drop=True))
    assert open_set_result([cell(known, 1, np.eye(3)[:2], [90, 92])], "genre") is None


def test_map_is_the_mean_over_tracks_and_seeds(fold):
    """Tracks of a class that was never learnt ask for nothing; a peer without a space has no figure."""
    one = cell(fold, 1, np.eye(3), [90, 91, 92], {"genre": np.array([0.2, np.nan, 0.6])})
    two = cell(fold, 2, np.eye(3), [90, 91, 92], {"genre": np.array([0.4, np.nan, 0.8])})
    figures = retrieval_figures([one, two], "genre", 200, 0.95)
    assert (figures["map_at_10"], figures["queries"]) == (pytest.approx(0.5), 2)
    assert figures["map_at_10_low"] <= 0.5 <= figures["map_at_10_high"]
    assert retrieval_figures([cell(fold, 1, np.eye(3), [90, 91, 92])], "genre", 200, 0.95) is None
