"""Grouped folds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.learning.folds import fold_sides

GROUPS = [f"work:{row // 3}" for row in range(120)]
CLASSES = ["rare" if row < 15 else "common" for row in range(120)]


def test_every_track_is_a_test_track_once_and_works_stay_together() -> None:
    """Over the folds each track is tested once; within a fold no group is on two sides."""
    folds = fold_sides(GROUPS, CLASSES, 5, 0.2)
    assert [Counter(sides)["test"] for sides in zip(*folds, strict=True)] == [1] * len(GROUPS)
    for sides in folds:
        assert set(sides) == {"train", "validation", "test"}
        assert len(set(zip(GROUPS, sides, strict=True))) == len(set(GROUPS))


def test_rare_class_is_in_every_fold() -> None:
    """Five works of a rare class are one to each of five folds."""
    for sides in fold_sides(GROUPS, CLASSES, 5, 0.2):
        assert [side for side, name in zip(sides, CLASSES, strict=True) if name == "rare"].count("test") == 3


def test_division_is_always_the_same() -> None:
    """The folds depend on the tracks alone."""
    assert fold_sides(GROUPS, CLASSES, 4, 0.2) == fold_sides(GROUPS, CLASSES, 4, 0.2)


@pytest.mark.parametrize(("groups", "classes"), [([], []), (["a"] * 9, ["x"] * 9), (["a", "b", "c"], ["x", "y", "z"])])
def test_too_few_tracks_are_refused(groups: list[str], classes: list[str]) -> None:
    """Where a fold would be empty, the limit is told."""
    with pytest.raises(ValueError, match="3 folds are more than the"):
        fold_sides(groups, classes, 3, 0.2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=30, max_size=60), st.integers(2, 4), st.floats(0.05, 0.5))
def test_any_division_keeps_groups_together(numbers: list[int], folds: int, validation: float) -> None:
    """Whatever the sizes of the groups, none is torn; too few are refused."""
    groups = [f"work:{number}" for number in numbers]
    try:
        divided = fold_sides(groups, [""] * len(groups), folds, validation)
    except ValueError:
        assert len(set(groups)) < folds + 2 or max(Counter(groups).values()) * 2 > len(groups)
        return
    for sides in divided:
        assert len(set(zip(groups, sides, strict=True))) == len(set(groups))
