"""How good predictions are, and how sure one can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score

from soundatlas.learning import score

GROUPS = np.repeat(np.array([f"work {number}" for number in range(20)]), 3)
SAMPLES = score.resamples(GROUPS, 200)


@st.composite
def _answers(draw) -> tuple[np.ndarray, np.ndarray]:
    """Draw true and guessed class indices of some tracks."""
    size = draw(st.integers(1, 40))
    classes = st.lists(st.integers(0, draw(st.integers(0, 6))), min_size=size, max_size=size)
    return np.array(draw(classes), dtype=np.int64), np.array(draw(classes), dtype=np.int64)


def _probabilities(tracks: int, classes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), tracks).astype(np.float32)


@given(_answers())
def test_macro_f1_is_sklearns(answers) -> None:
    """It is scikit-learn's macro F1 over the classes that occur."""
    truth, guess = answers
    expected = f1_score(truth, guess, labels=np.unique(truth), average="macro", zero_division=0.0)
    assert score.macro_f1(truth, guess) == pytest.approx(expected)


@given(_answers())
def test_accuracy_is_the_share_of_right_answers(answers) -> None:
    """It counts tracks, not classes."""
    truth, guess = answers
    right = sum(one == other for one, other in zip(truth.tolist(), guess.tolist(), strict=True))
    assert score.accuracy(truth, guess) == pytest.approx(right / len(truth))


@given(_answers())
def test_per_class_figures_are_sklearns(answers) -> None:
    """Each class has a row, in order, with scikit-learn's figures; a class that nobody names has zeros."""
    truth, guess = answers
    names = tuple("abcdefgh")
    precision, recall, f1, tracks = precision_recall_fscore_support(
        truth, guess, labels=range(len(names)), zero_division=0.0
    )
    rows = score.per_class(truth, guess, names)
    assert [row["class"] for row in rows] == list(names)
    assert [row["precision"] for row in rows] == pytest.approx(precision)
    assert [row["recall"] for row in rows] == pytest.approx(recall)
    assert [row["f1"] for row in rows] == pytest.approx(f1)
    assert [row["tracks"] for row in rows] == tracks.tolist()


def test_calibration_error_of_known_answers() -> None:
    """Four tracks at 0.9 of which half are right, and one at 0.6 that is right, are off by 0.4 and 0.4."""
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]], dtype=np.float32)
    truth = np.array([0, 0, 1, 1, 1])
    assert score.expected_calibration_error(truth, probabilities) == pytest.approx(0.4)
    high = {"tracks": 4.0, "confidence": pytest.approx(0.9), "accuracy": 0.5}
    low = {"tracks": 1.0, "confidence": pytest.approx(0.6), "accuracy": 1.0}
    assert score.reliability(truth, probabilities) == [low, high]


def test_certainty_that_is_right_is_calibrated() -> None:
    """Confidence 1 lies in the last bin, and has no error when it is always right."""
    truth = np.array([0, 1, 2])
    assert score.expected_calibration_error(truth, np.eye(3, dtype=np.float32)) == 0.0
    assert score.expected_calibration_error((truth + 1) % 3, np.eye(3, dtype=np.float32)) == 1.0


@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 99))
def test_reliability_counts_every_track_once(tracks, classes, seed) -> None:
    """Bins hold all tracks, and each bin's confidence is within the bin."""
    probabilities = _probabilities(tracks, classes, seed)
    rows = score.reliability(np.zeros(tracks, dtype=np.int64), probabilities)
    assert sum(row["tracks"] for row in rows) == tracks
    confidences = [row["confidence"] for row in rows]
    assert confidences == sorted(confidences)
    assert len({int(confidence * 10 - 1e-6) for confidence in confidences}) == len(rows)
    error = score.expected_calibration_error(np.zeros(tracks, dtype=np.int64), probabilities)
    assert 0.0 <= error <= 1.0


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_groups_are_drawn_whole(groups) -> None:
    """A sample holds as many groups as there are, each with all of its tracks as often as it was drawn."""
    labels = np.array(groups)
    sizes = np.bincount(labels, minlength=9)
    for sample in score.resamples(labels, 5):
        times = np.bincount(sample, minlength=len(labels))
        drawn = 0
        for group in np.unique(labels):
            [count] = set(times[labels == group])
            drawn += count
        assert drawn == np.count_nonzero(sizes)


def test_samples_are_always_the_same() -> None:
    """Intervals can be reproduced, and samples differ from each other."""
    again = score.resamples(GROUPS, 200)
    assert all(np.array_equal(one, other) for one, other in zip(SAMPLES, again, strict=True))
    assert not np.array_equal(np.sort(SAMPLES[0]), np.sort(SAMPLES[1]))


def test_interval_contains_its_value_and_widens_with_confidence() -> None:
    """More confidence is a wider interval around the same value."""
    right = np.random.default_rng(1).random(len(GROUPS)) < 0.7
    intervals = [
        score.interval(lambda rows: float(right[rows].mean()), SAMPLES, len(GROUPS), confidence)
        for confidence in (0.5, 0.8, 0.95)
    ]
    assert {one.value for one in intervals} == {right.mean()}
    lows, highs = [one.low for one in intervals], [one.high for one in intervals]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    assert lows[0] < right.mean() < highs[0]


def test_interval_is_the_percentiles_of_the_samples() -> None:
    """Low and high are the quantiles of the metric over the samples."""
    values = np.random.default_rng(2).random(len(GROUPS))
    found = score.interval(lambda rows: float(values[rows].mean()), SAMPLES, len(GROUPS), 0.9)
    over_samples = [values[sample].mean() for sample in SAMPLES]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(over_samples, [0.05, 0.95])))


def test_metric_that_never_varies_has_an_interval_of_one_point() -> None:
    """A model that is always right is right in every sample."""
    truth = np.tile([0, 1, 2], 20)
    figures = score.class_scores(truth, np.eye(3, dtype=np.float32)[truth], SAMPLES, 0.95)
    assert (figures["macro_f1_low"], figures["macro_f1"], figures["macro_f1_high"]) == (1.0, 1.0, 1.0)


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(0, 99))
def test_class_figures_agree_with_their_definitions(classes, seed) -> None:
    """One head's figures are those of its most probable classes."""
    truth = np.random.default_rng(seed).integers(0, classes, len(GROUPS))
    probabilities = _probabilities(len(GROUPS), classes, seed)
    figures = score.class_scores(truth, probabilities, SAMPLES, 0.95)
    guess = probabilities.argmax(axis=1)
    assert figures["macro_f1"] == score.macro_f1(truth, guess)
    assert figures["weighted_f1"] == pytest.approx(f1_score(truth, guess, average="weighted", zero_division=0.0))
    assert figures["accuracy"] == score.accuracy(truth, guess)
    ranks = (probabilities > probabilities[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    assert figures["top_3_accuracy"] == pytest.approx((ranks < 3).mean())
    assert figures["ece"] == score.expected_calibration_error(truth, probabilities)
    assert figures["tracks"] == len(GROUPS)
    assert figures["macro_f1_low"] <= figures["macro_f1_high"]
    assert figures == score.class_scores(truth, probabilities, SAMPLES, 0.95)


def test_predicting_the_training_mean_has_no_r2() -> None:
    """R2 is 0 for the training mean, below 0 for worse and 1 for the truth, with the error beside it."""
    truth = np.random.default_rng(3).normal(100, 20, len(GROUPS))
    mean, wrong = np.full(len(GROUPS), 95.0), 190.0 - truth
    r2 = {
        name: score.attribute_scores(truth, guess, 95.0, SAMPLES, 0.95)
        for name, guess in {"mean": mean, "truth": truth, "wrong": wrong}.items()
    }
    assert [r2["mean"][name] for name in ("r2", "r2_low", "r2_high")] == [0.0, 0.0, 0.0]
    assert r2["truth"]["r2"] == 1.0
    assert r2["wrong"]["r2"] == pytest.approx(-3.0)
    assert r2["truth"]["mae"] == 0.0
    assert r2["mean"]["mae"] == r2["truth"]["mae_of_mean"] == pytest.approx(np.abs(truth - 95.0).mean())


def test_correlation_is_by_rank() -> None:
    """Spearman's coefficient sees the order, whatever the scale."""
    truth = np.random.default_rng(4).normal(0, 1, len(GROUPS))
    noisy = truth + np.random.default_rng(5).normal(0, 1, len(GROUPS))
    figures = score.attribute_scores(truth, noisy, 0.0, SAMPLES, 0.95)
    assert figures["spearman"] == pytest.approx(spearmanr(truth, noisy).statistic)
    assert score.attribute_scores(truth, np.exp(truth), 0.0, SAMPLES, 0.95)["spearman"] == pytest.approx(1.0)


@pytest.mark.parametrize("constant", ["truth", "guess"])
def test_correlation_with_a_constant_is_unknown(constant) -> None:
    """What does not vary has no rank correlation."""
    values = {"truth": np.arange(60.0), "guess": np.arange(60.0)} | {constant: np.full(60, 5.0)}
    assert np.isnan(score.attribute_scores(values["truth"], values["guess"], 0.0, SAMPLES, 0.95)["spearman"])


def test_attribute_of_two_values_has_an_area_under_the_curve() -> None:
    """How well the two are parted, with its interval; of a varied attribute there is none."""
    truth = (np.arange(len(GROUPS)) % 3 == 0).astype(float)
    noisy = truth + np.random.default_rng(6).normal(0, 1, len(GROUPS))
    figures = score.attribute_scores(truth, noisy, 0.5, SAMPLES, 0.95)
    assert figures["auroc"] == pytest.approx(roc_auc_score(truth, noisy))
    assert figures["auroc_low"] < figures["auroc"] < figures["auroc_high"]
    assert score.attribute_scores(truth, truth, 0.5, SAMPLES, 0.95)["auroc"] == 1.0
    assert "auroc" not in score.attribute_scores(noisy, truth, 0.5, SAMPLES, 0.95)


def test_two_tracks_have_no_correlation() -> None:
    """Two points always lie on a line: no coefficient is given for them."""
    samples = score.resamples(np.array(["a", "b"]), 20)
    figures = score.attribute_scores(np.array([1.0, 2.0]), np.array([1.0, 3.0]), 0.0, samples, 0.95)
    assert np.isnan(figures["spearman"])
    assert figures["r2"] == pytest.approx(1 - 1 / 5)


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_truth_that_is_the_training_mean_has_no_r2() -> None:
    """Where the training mean is always right nothing can be better: R2 is unknown, the error is not."""
    figures = score.attribute_scores(np.full(60, 5.0), np.full(60, 6.0), 5.0, SAMPLES, 0.95)
    assert np.isnan([figures["r2"], figures["r2_low"], figures["r2_high"]]).all()
    assert figures["mae"] == 1.0
