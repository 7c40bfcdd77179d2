"""Fitting linear heads: the training tracks give the weights, the validation tracks only choose their strength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh
from sklearn.linear_model import LogisticRegression, Ridge

from soundatlas.learning.calibration import calibrated_loss
from soundatlas.learning.labels import MISSING
from soundatlas.learning.linear_heads import Linear, LinearHeads
from soundatlas.learning.retrieval import mean_average_precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace

    Array = NDArray[np.float64]
    Part = tuple[Array, Array]  # weights (coordinates, outputs), bias (outputs,)

# Strongest first: of those that are equally good on the validation tracks the first is kept.
INVERSE_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # C of the logistic regression
STRENGTHS = (30_000.0, 10_000.0, 3_000.0, 1_000.0, 300.0, 100.0, 30.0)  # alpha of the ridge
SHRINKAGES = (0.9, 0.7, 0.5, 0.3, 0.1)  # of the discriminants' covariance towards a sphere
MAX_ITERATIONS = 1000
ABSENT_LOGIT = -30.0  # of a class that no training track with features has
SMALLEST = 1e-12  # where a variance or a length would be 0
PRINCIPAL_WEIGHT = 0.25  # of the principal components against the discriminants: a little structure of no class


def fit_linear_heads(
    features_train: NDArray[np.float32],
    train_tracks: pd.DataFrame,
    features_val: NDArray[np.float32],
    val_tracks: pd.DataFrame,
    space: LabelSpace,
    *,
    embedding: int,
    groups: Sequence[int] = (),
) -> LinearHeads:
    """Fit a head per class head and attribute, and the projection to embeddings.

    A balanced multinomial logistic regression per class head, with the C of the best calibrated likelihood on the
    validation tracks (macro F1 would jump with every single track), and a ridge per attribute, with the alpha of the
    least squared error there. The embedding is the discriminants of the first class head, with the shrinkage of the
    best mAP@10 there, and a quarter as long the first principal components. A missing label trains nothing.

    Args:
        features_train: shape (tracks, features), a row per row of `train_tracks`.
        train_tracks: rows of `tables.TRACKS`.
        features_val: the same of the validation tracks.
        val_tracks: likewise.
        space: classes and scales; each class head has at least two classes among the training tracks.
        embedding: dimensions of the embedding; fewer where features and tracks allow no more.
        groups: numbers of features that belong together, one after another: each group weighs as much as another in
            the penalties, whatever its size. Empty: all features are one group.
    """
    mean, scale = features_train.mean(axis=0, dtype=np.float64), features_train.std(axis=0, dtype=np.float64)
    scale[scale <= np.abs(mean) * 1e-6] = 1.0  # the std of a feature that never moves may come out as rounding
    scale /= _group_weights(groups or (len(scale),))
    # With fewer tracks than features all weights lie in the span of the tracks: turned into it, the same heads
    # come out in seconds instead of minutes.
    left, sizes, turn = np.linalg.svd((features_train - mean) / scale, full_matrices=False)
    train, val = left * sizes, (features_val - mean) / scale @ turn.T

    truth, val_truth = space.class_targets(train_tracks), space.class_targets(val_tracks)
    wanted, val_wanted = space.attribute_targets(train_tracks), space.attribute_targets(val_tracks)
    classes = {
        head: _class_part(train, truth[head], val, val_truth[head], len(names)) for head, names in space.classes.items()
    }
    attributes = {name: _attribute_part(train, wanted[name], val, val_wanted[name]) for name in space.attributes}
    first, works = next(iter(space.classes)), val_tracks["work"].fillna(val_tracks["track_id"]).to_numpy()
    projection = _projection(train, truth[first], val, val_truth[first], works, embedding)

    def fold(part: Part) -> Linear:
        """Turn back and fold the standardisation in, so that raw features go in."""
        weights = turn.T @ part[0] / scale[:, None]
        return Linear(weights.astype(np.float32), (part[1] - mean @ weights).astype(np.float32))

    return LinearHeads(
        {head: fold(part) for head, part in classes.items()},
        {name: fold(part) for name, part in attributes.items()},
        fold((projection, np.zeros(projection.shape[1]))),
    )


def _group_weights(groups: Sequence[int]) -> Array:
    """Return a weight per feature by which each group gets the same sum of squares, and all features keep theirs."""
    share = sum(groups) / len(groups)
    return np.concatenate([np.full(size, np.sqrt(share / size)) for size in groups])


def _class_part(train: Array, truth: NDArray[np.int64], val: Array, val_truth: NDArray[np.int64], size: int) -> Part:
    """Return the map of the best C; without validation labels, of the middle one."""
    known, judged = truth != MISSING, val_truth != MISSING
    model = LogisticRegression(max_iter=MAX_ITERATIONS, class_weight="balanced", warm_start=True)
    parts = [
        _all_classes(model.set_params(C=strength).fit(train[known], truth[known]), size)
        for strength in INVERSE_STRENGTHS
    ]
    if not judged.any():
        return parts[len(parts) // 2]
    losses = [calibrated_loss(val[judged] @ weights + bias, val_truth[judged]) for weights, bias in parts]
    return parts[int(np.argmin(losses))]


def _all_classes(model: LogisticRegression, size: int) -> Part:
    """Return the map to the logits of every class of the head; two classes are told apart by one difference."""
    slopes, intercepts = model.coef_, model.intercept_
    if len(slopes) == 1:
        slopes, intercepts = np.concatenate([-slopes, slopes]) / 2, np.append(-intercepts, intercepts) / 2
    weights, bias = np.zeros((slopes.shape[1], size)), np.full(size, ABSENT_LOGIT)
    weights[:, model.classes_], bias[model.classes_] = slopes.T, intercepts
    return weights, bias


def _attribute_part(train: Array, wanted: NDArray[Any], val: Array, val_wanted: NDArray[Any]) -> Part:
    """Return the map of the best alpha; without validation values, of the middle one."""
    known, judged = np.isfinite(wanted), np.isfinite(val_wanted)
    models = [Ridge(alpha=alpha).fit(train[known], wanted[known]) for alpha in STRENGTHS]
    best = len(models) // 2
    if judged.any():
        best = int(np.argmin([np.square(model.predict(val[judged]) - val_wanted[judged]).mean() for model in models]))
    return models[best].coef_[:, None], np.atleast_1d(models[best].intercept_)


def _projection(
    train: Array,
    truth: NDArray[np.int64],
    val: Array,
    val_truth: NDArray[np.int64],
    works: NDArray[Any],
    dimensions: int,
) -> Array:
    """Return the projection of the best shrinkage, shape (coordinates, dimensions); the middle one if none is best."""
    known, judged = truth != MISSING, val_truth != MISSING
    options = [_joined(train, _discriminants(train[known], truth[known], s), dimensions) for s in SHRINKAGES]
    scores = [mean_average_precision(val[judged] @ option, val_truth[judged], works[judged]) for option in options]
    return options[int(np.argmax(scores)) if np.isfinite(scores).all() else len(options) // 2]


def _discriminants(x: Array, truth: NDArray[np.int64], shrinkage: float) -> Array:
    """Return the linear discriminants of the classes, best first: shape (coordinates, classes - 1).

    The covariances within the classes and in all are shrunk towards a sphere (Friedman, JASA 1989), as few tracks
    determine them badly.
    """
    names, index = np.unique(truth, return_inverse=True)
    means = np.stack([x[index == position].mean(axis=0) for position in range(len(names))])
    within, total = _shrunk(x - means[index], shrinkage), _shrunk(x - x.mean(axis=0), shrinkage)
    size = len(within)
    _, vectors = eigh(total - within, within, subset_by_index=[max(0, size - len(names) + 1), size - 1])
    return np.asarray(vectors[:, ::-1])


def _shrunk(centred: Array, shrinkage: float) -> Array:
    """Return the covariance of centred rows, shrunk towards a sphere of the same mean variance."""
    covariance = centred.T @ centred / len(centred)
    level = max(float(np.trace(covariance)) / len(covariance), SMALLEST)
    return np.asarray((1 - shrinkage) * covariance + shrinkage * level * np.eye(len(covariance)))


def _joined(train: Array, discriminants: Array, dimensions: int) -> Array:
    """Put the first principal components, which are the first coordinates, beside the discriminants."""
    discriminants = discriminants[:, :dimensions]
    principal = np.eye(train.shape[1])[:, : dimensions - discriminants.shape[1]]
    parts = [_of_length(train, discriminants, 1.0), _of_length(train, principal, PRINCIPAL_WEIGHT)]
    return np.hstack(parts)


def _of_length(train: Array, part: Array, length: float) -> Array:
    """Scale a projection so that the training tracks have this mean length in it."""
    found = float(np.linalg.norm(train @ part, axis=1).mean())
    return part * (length / max(found, SMALLEST))
