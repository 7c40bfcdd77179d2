"""A year out of decades."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.years import expected_years


def test_year_is_the_mean_over_the_decades() -> None:
    """A sure decade gives its middle; two equally likely ones the middle between theirs."""
    probabilities = np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32)
    assert expected_years(["1780s", "1990s"], probabilities) == pytest.approx([1784.5, 1994.5, 1889.5])


@pytest.mark.parametrize("decades", [["1780s", "baroque"], ["80"], ["1785s"], []])
def test_classes_that_are_no_decades_give_no_year(decades) -> None:
    """Whatever somebody else calls a decade is not guessed at."""
    assert expected_years(decades, np.ones((2, len(decades)), np.float32)) is None
