"""A year out of the decades that a model thinks of: a number to judge, where it has learnt decades."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DECADE, YEAR = "decade", "year"
SPELLED = re.compile(r"(\d+0)s")
MIDDLE = 4.5  # years after a decade's first


def expected_years(decades: Sequence[str], probabilities: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the mean of the decades' middles, weighed by their probabilities.

    Args:
        decades: classes, as the catalogue spells them: "1780s".
        probabilities: shape (tracks, decades).

    Returns:
        years, shape (tracks,); None where a class is not spelled like a decade.
    """
    spelled = [SPELLED.fullmatch(name) for name in decades]
    if not spelled or not all(spelled):
        return None
    middles = [int(match[1]) + MIDDLE for match in spelled if match]
    return np.asarray(probabilities.astype(np.float64) @ np.array(middles))
