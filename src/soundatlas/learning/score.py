"""How good predictions are, and how sure one can be: metrics over tracks, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from soundatlas.learning.pulse import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CALIBRATION_BINS = 10  # as in Guo et al., ICML 2017, where 15 are used on far larger test sets
BOOTSTRAP_SEED = 20260101
TOP = 3
OCTAVES = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)
MIN_TRACKS_FOR_CORRELATION = 3


@dataclass(frozen=True)
class Interval:
    """A percentile bootstrap interval around a metric."""

    value: float
    low: float
    high: float


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """Return the mean F1 over the classes that occur in `truth`; a class without test tracks has no F1.

    The same as `sklearn.metrics.f1_score(labels=np.unique(truth), average="macro")`, without its 2 ms of checks,
    since the bootstrap calls it thousands of times.

    Args:
        truth: class index per track, shape (tracks,), not negative.
        guess: the same of the prediction.
    """
    classes = int(max(truth.max(), guess.max())) + 1
    there, said = np.bincount(truth, minlength=classes), np.bincount(guess, minlength=classes)
    hits = np.bincount(truth[truth == guess], minlength=classes)
    return float(np.mean(2 * hits[there > 0] / (there + said)[there > 0]))


def accuracy(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """Return the share of tracks that are right."""
    return float(np.mean(truth == guess))


def tempo_hits(truth: NDArray[np.float64], guess: NDArray[np.float64], *, octaves: bool) -> NDArray[np.bool_]:
    """Return whether each tempo is right within 4 %; with `octaves` also where it is two or three times off.

    The mean is Accuracy 1, with `octaves` Accuracy 2, of Gouyon et al. (IEEE TASLP 14(5), 2006).
    """
    ratios = np.asarray(OCTAVES if octaves else (1.0,))
    return np.asarray((np.abs(guess[:, None] / (truth[:, None] * ratios) - 1) <= TOLERANCE).any(axis=1))


def expected_calibration_error(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the ECE: the mean gap between confidence and accuracy over ten bins, weighted by their size."""
    rows = reliability(truth, probabilities)
    return float(sum(row["tracks"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / len(truth))


def reliability(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> list[dict[str, float]]:
    """Return a row per non-empty confidence bin: its tracks, mean confidence and accuracy."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "tracks": float((bins == b).sum()),
            "confidence": float(confidence[bins == b].mean()),
            "accuracy": float(right[bins == b].mean()),
        }
        for b in np.unique(bins)
    ]


def resamples(groups: NDArray[Any], count: int) -> list[NDArray[np.int64]]:
    """Draw bootstrap samples of whole groups with replacement, always the same ones.

    Tracks of one group (a work, an album) resemble each other: drawing single tracks would give intervals that are
    too narrow.

    Args:
        groups: the group of each track, shape (tracks,).
        count: number of samples.

    Returns:
        positions of tracks, one array per sample.
    """
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    names, inverse = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(inverse == position) for position in range(len(names))]
    draws = generator.integers(0, len(names), size=(count, len(names)))
    return [np.concatenate([members[position] for position in draw]) for draw in draws]


def interval(
    metric: Callable[[NDArray[np.int64]], float], samples: list[NDArray[np.int64]], tracks: int, confidence: float
) -> Interval:
    """Return a metric over all tracks with its percentile bootstrap interval.

    Args:
        metric: from positions of tracks to a number.
        samples: from `resamples`.
        tracks: how many there are.
        confidence: e.g. 0.95.
    """
    values = [metric(sample) for sample in samples]
    low, high = np.nanquantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(metric(np.arange(tracks)), float(low), float(high))


def class_scores(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32], samples: list[NDArray[np.int64]], confidence: float
) -> dict[str, float]:
    """Return the figures of one class head over its labelled test tracks.

    Args:
        truth: class index per track.
        probabilities: shape (tracks, classes).
        samples: from `resamples`, over the same tracks.
        confidence: of the interval.
    """
    guess = probabilities.argmax(axis=1)
    best = interval(lambda rows: macro_f1(truth[rows], guess[rows]), samples, len(truth), confidence)
    order = np.argsort(-probabilities, axis=1)[:, :TOP]
    return {
        "macro_f1": best.value,
        "macro_f1_low": best.low,
        "macro_f1_high": best.high,
        "weighted_f1": float(f1_score(truth, guess, average="weighted", zero_division=0.0)),
        "accuracy": accuracy(truth, guess),
        "top_3_accuracy": float((order == truth[:, None]).any(axis=1).mean()),
        "ece": expected_calibration_error(truth, probabilities),
        "tracks": float(len(truth)),
    }


def attribute_scores(
    truth: NDArray[np.float64],
    guess: NDArray[np.float64],
    train_mean: float,
    samples: list[NDArray[np.int64]],
    confidence: float,
) -> dict[str, float]:
    """Return the figures of one attribute over its labelled test tracks, in the attribute's own unit.

    R2 is against predicting the training mean: 0 is no better than that. Where the attribute has just two values, AUROC
    is how often a track of the higher one gets the higher guess.
    """

    def r2(rows: NDArray[np.int64]) -> float:
        baseline = np.square(truth[rows] - train_mean).sum()
        return float(1 - np.square(truth[rows] - guess[rows]).sum() / baseline) if baseline > 0 else float("nan")

    best = interval(r2, samples, len(truth), confidence)
    values = np.unique(truth)
    is_parted = len(values) == 2 and len(truth) >= MIN_TRACKS_FOR_CORRELATION  # noqa: PLR2004 - a kind and its opposite
    parted = auroc(truth == values[-1], guess, samples, confidence) if is_parted else None
    varied = len(truth) >= MIN_TRACKS_FOR_CORRELATION and np.ptp(truth) > 0 and np.ptp(guess) > 0
    return {
        "r2": best.value,
        "r2_low": best.low,
        "r2_high": best.high,
        "mae": float(np.abs(truth - guess).mean()),
        "mae_of_mean": float(np.abs(truth - train_mean).mean()),
        "spearman": float(spearmanr(truth, guess).statistic) if varied else float("nan"),
        **({} if parted is None else {"auroc": parted.value, "auroc_low": parted.low, "auroc_high": parted.high}),
        "tracks": float(len(truth)),
    }


def auroc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], samples: list[NDArray[np.int64]], confidence: float
) -> Interval:
    """Return the area under the ROC curve; a sample of tracks of one kind only says nothing.

    Args:
        positive: which tracks should have the higher scores, shape (tracks,).
        scores: of each.
        samples: from `resamples`, over the same tracks.
        confidence: of the interval.
    """

    def area(rows: NDArray[np.int64]) -> float:
        both = positive[rows].any() and not positive[rows].all()
        return float(roc_auc_score(positive[rows], scores[rows])) if both else float("nan")

    return interval(area, samples, len(positive), confidence)


def per_class(
    truth: NDArray[np.int64], guess: NDArray[np.int64], names: tuple[str, ...]
) -> list[dict[str, float | str]]:
    """Return precision, recall, F1 and number of test tracks of each class."""
    rows: list[dict[str, float | str]] = []
    for index, name in enumerate(names):
        hits = float(((truth == index) & (guess == index)).sum())
        said, there = float((guess == index).sum()), float((truth == index).sum())
        rows.append(
            {
                "class": name,
                "precision": hits / said if said else 0.0,
                "recall": hits / there if there else 0.0,
                "f1": 2 * hits / (said + there) if said + there else 0.0,
                "tracks": there,
            }
        )
    return rows
