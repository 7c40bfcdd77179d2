"""Laying one map on another."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.atlas.alignment import align


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_turned_shifted_and_mirrored_map_is_brought_back(mirror):
    """The motion that was made is undone, for points that were not used too."""
    fixed = np.random.default_rng(1).uniform(-1, 1, (30, 2))
    turn = np.array([[np.cos(2.0), -np.sin(2.0)], [np.sin(2.0), np.cos(2.0)]]) @ np.diag([1, mirror])
    moving = fixed @ turn + [3, -4]
    np.testing.assert_allclose(align(moving[:10], fixed[:10]).move(moving), fixed, atol=1e-6)


def test_distances_stay():
    """However badly two maps agree, nothing is stretched."""
    generator = np.random.default_rng(1)
    moving, fixed = generator.normal(size=(10, 2)), 5 * generator.normal(size=(10, 2))
    moved = align(moving, fixed).move(moving)
    assert np.linalg.norm(moved[0] - moved[1]) == pytest.approx(np.linalg.norm(moving[0] - moving[1]), rel=1e-5)
    assert moved.mean(axis=0) == pytest.approx(fixed.mean(axis=0), abs=1e-5)
