"""What the directions mean, and how well."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import make_descriptors

from soundatlas.atlas.axes import MEANINGS, composites, measure_axes, turned
from soundatlas.audio.descriptors import DESCRIPTORS

COUNT = 120
WORKS = np.array([f"work {number // 2}" for number in range(COUNT)], object)


def mapped(noise: float = 0.0):
    """Return a map whose directions are the composites of some descriptors, with noise, and those."""
    descriptors = make_descriptors(COUNT)
    return composites(descriptors) + np.random.default_rng(2).normal(0, noise or 1e-9, (COUNT, 2)), descriptors


def test_meanings_use_descriptors_that_are_computed():
    """Both directions are there, and every descriptor that they count is one of `audio.descriptors`."""
    assert [meaning.direction for meaning in MEANINGS] == ["horizontal", "vertical"]
    assert {name for meaning in MEANINGS for name in meaning.descriptors} <= set(DESCRIPTORS)


def test_a_composite_rises_with_its_descriptors_and_falls_with_those_that_count_against_it():
    """More onsets lie to the right, more density to the left; units and outliers do not matter."""
    descriptors = make_descriptors(COUNT)
    before = composites(descriptors)
    assert np.corrcoef(before[:, 0], descriptors["onset_rate"])[0, 1] > 0.3
    assert np.corrcoef(before[:, 0], descriptors["density"])[0, 1] < -0.3
    descriptors["onset_rate"] = np.exp(descriptors["onset_rate"] * 5)
    np.testing.assert_allclose(composites(descriptors), before)
    assert np.abs(before.mean(axis=0)).max() < 1e-9
    assert before.std(axis=0) == pytest.approx([1, 1])


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_map_is_turned_until_its_directions_fit(mirror):
    """A turned and mirrored map comes back to within a degree, and nothing is stretched."""
    positions, descriptors = mapped()
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]]) @ np.diag([1, mirror])
    back = turned(positions @ turn, composites(descriptors))
    np.testing.assert_allclose(back, positions, atol=0.05)
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), np.linalg.norm(positions, axis=1))


def test_a_direction_that_fits_explains_much_and_one_that_does_not_explains_nothing():
    """R2 is 1 where the map is the composite, lower with noise, near 0 by chance, 0 where it runs the wrong way."""
    positions, descriptors = mapped()
    assert [axis.r2 for axis in measure_axes(positions, descriptors, WORKS)] == pytest.approx([1, 1])
    noisy, _ = mapped(noise=1.0)
    for axis in measure_axes(noisy, descriptors, WORKS):
        assert 0.25 < axis.r2_low < axis.r2 < axis.r2_high < 0.75
    chance = np.random.default_rng(3).normal(size=(COUNT, 2))
    assert all(axis.r2 < 0.05 for axis in measure_axes(chance, descriptors, WORKS))
    assert [axis.r2 for axis in measure_axes(-positions, descriptors, WORKS)] == [0, 0]


def test_correlations_name_each_descriptor():
    """Each descriptor of a direction has its own correlation, with its sign."""
    positions, descriptors = mapped()
    horizontal, _ = measure_axes(positions, descriptors, WORKS)
    assert set(horizontal.correlations) == {"onset_rate", "spectral_change", "density"}
    assert horizontal.correlations["onset_rate"] > 0 > horizontal.correlations["density"]


def test_tracks_that_were_not_described_do_not_count():
    """A missing descriptor leaves a track out of the measure, and of the turning; without any, nothing is claimed."""
    positions, descriptors = mapped()
    descriptors.loc[:9, "density"] = np.nan
    positions[:10] = 99
    assert all(axis.r2 > 0.9 for axis in measure_axes(positions, descriptors, WORKS))
    assert np.isnan(composites(descriptors)[:10, 0]).all()
    descriptors[:] = np.nan
    assert [axis.r2 for axis in measure_axes(positions, descriptors, WORKS)] == [0, 0]
    np.testing.assert_array_equal(turned(positions, composites(descriptors)), positions)
