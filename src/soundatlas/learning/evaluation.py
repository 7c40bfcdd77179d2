"""Judging a model on the test tracks: every head, beside the baselines, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.learning import score
from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace


@dataclass(frozen=True)
class Predictions:
    """What a model says of some tracks, in their order.

    Attributes:
        probabilities: head -> shape (tracks, classes).
        values: attribute -> shape (tracks,), in the attribute's own unit.
    """

    probabilities: dict[str, NDArray[np.float32]]
    values: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Evaluation:
    """All figures and tables of one evaluation.

    Attributes:
        metrics: JSON-like: head -> figures, attribute -> figures, baseline -> head -> figures.
        per_class: rows of head, class, precision, recall, f1, tracks.
        confusion: rows of head, actual, predicted: one per test track.
        calibration: rows of head, confidence, accuracy, tracks.
    """

    metrics: dict[str, Any]
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    calibration: pd.DataFrame


def evaluate(
    tracks: pd.DataFrame,
    groups: NDArray[Any],
    space: LabelSpace,
    model: Predictions,
    baselines: dict[str, dict[str, NDArray[np.float32]]],
    *,
    resample_count: int,
    confidence: float,
) -> Evaluation:
    """Score a model and the baselines on the same test tracks.

    Args:
        tracks: the test tracks, rows of `tables.TRACKS`.
        groups: the split's group of each.
        space: classes and scales that the model learned.
        model: its predictions.
        baselines: baseline -> head -> probabilities.
        resample_count: bootstrap samples behind each interval.
        confidence: of the intervals.
    """
    classes: dict[str, Any] = {}
    peers: dict[str, dict[str, Any]] = {name: {} for name in baselines}
    per_class, confusion, calibration = [], [], []
    for head, truth in space.class_targets(tracks).items():
        known = truth != MISSING
        if not known.any():
            continue
        names, actual = space.classes[head], truth[known]
        samples = score.resamples(groups[known], resample_count)
        probabilities = model.probabilities[head][known]
        guess = probabilities.argmax(axis=1)
        classes[head] = score.class_scores(actual, probabilities, samples, confidence) | {"classes": len(names)}
        for name, by_head in baselines.items():
            peers[name][head] = score.class_scores(actual, by_head[head][known], samples, confidence)
        per_class += [{"head": head, **row} for row in score.per_class(actual, guess, names)]
        confusion += [
            {"head": head, "actual": names[a], "predicted": names[g]} for a, g in zip(actual, guess, strict=True)
        ]
        calibration += [{"head": head, **row} for row in score.reliability(actual, probabilities)]
    metrics = {
        "classes": classes,
        "attributes": _attributes(tracks, groups, space, model, resample_count, confidence),
        "baselines": peers,
    }
    return Evaluation(  # the columns are named, so that tables without rows have them too
        metrics,
        pd.DataFrame(per_class, columns=["head", "class", "precision", "recall", "f1", "tracks"]),
        pd.DataFrame(confusion, columns=["head", "actual", "predicted"]),
        pd.DataFrame(calibration, columns=["head", "tracks", "confidence", "accuracy"]),
    )


def _attributes(
    tracks: pd.DataFrame,
    groups: NDArray[Any],
    space: LabelSpace,
    model: Predictions,
    resample_count: int,
    confidence: float,
) -> dict[str, Any]:
    figures = {}
    for name, scale in space.attributes.items():
        truth = tracks[name].to_numpy(np.float64)
        known = np.isfinite(truth)
        if known.any():
            samples = score.resamples(groups[known], resample_count)
            figures[name] = score.attribute_scores(
                truth[known], model.values[name][known], scale.mean, samples, confidence
            )
    return figures
