"""Grouped folds: where a class has too few tracks to be judged on one test side, every track is a test track once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLD_SEED = 20260101


def fold_sides(groups: Sequence[str], classes: Sequence[str], folds: int, validation: float) -> list[list[str]]:
    """Divide tracks into folds that keep groups together and every class spread evenly.

    Args:
        groups: of each track.
        classes: class of each track, "" where it has none.
        folds: how many; at least 2.
        validation: share of what a fold does not test that decides when its training stops: the nearest whole fraction.

    Returns:
        For each fold the side of each track: "train", "validation" or "test".

    Raises:
        ValueError: when there are fewer groups, or fewer tracks of the largest class, than folds.
    """
    names, strata = np.asarray(groups, object), np.asarray(classes, object)
    divided = []
    for rest, test in _divide(names, strata, folds):
        inner = max(2, min(round(1 / validation), _most_folds(names[rest], strata[rest])))
        sides = np.full(len(names), "train", object)
        sides[test] = "test"
        sides[rest[_divide(names[rest], strata[rest], inner)[0][1]]] = "validation"
        divided.append(sides.tolist())
    return divided


def _divide(
    groups: NDArray[np.object_], strata: NDArray[np.object_], folds: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    if folds > (most := _most_folds(groups, strata)):
        raise ValueError(f"{folds} folds are more than the {most} groups, or tracks of the largest class")
    divider = StratifiedGroupKFold(folds, shuffle=True, random_state=FOLD_SEED)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # which is why there are folds
        return list(divider.split(np.zeros(len(groups)), strata, groups))


def _most_folds(groups: NDArray[np.object_], strata: NDArray[np.object_]) -> int:
    """Return into how many folds tracks can be divided."""
    return min(len(set(groups)), int(np.unique(strata.astype(str), return_counts=True)[1].max(initial=0)))
