"""Turning one map so that it lies on another as well as it can: no map is right or wrong by its orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import orthogonal_procrustes

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Motion:
    """A turn, perhaps a reflection, and a shift of the plane; distances stay.

    Attributes:
        centre: that is turned about, shape (2,).
        turn: orthogonal, shape (2, 2).
        target: where the centre comes to lie, shape (2,).
    """

    centre: NDArray[np.float64]
    turn: NDArray[np.float64]
    target: NDArray[np.float64]

    def move(self, positions: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return positions, shape (points, 2), after the motion."""
        return np.asarray((positions - self.centre) @ self.turn + self.target, np.float32)


def align(moving: NDArray[np.floating], fixed: NDArray[np.floating]) -> Motion:
    """Return the motion that brings points nearest to where the same points lie on another map, by squared distance.

    (Orthogonal Procrustes: Schönemann, Psychometrika 31, 1966.)

    Args:
        moving: shape (points, 2), at least one.
        fixed: the same points, shape (points, 2).
    """
    centre, target = moving.mean(axis=0, dtype=np.float64), fixed.mean(axis=0, dtype=np.float64)
    turn, _ = orthogonal_procrustes(moving - centre, fixed - target)
    return Motion(centre, turn, target)
