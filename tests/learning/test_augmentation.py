"""Changing training windows."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.augmentation import augment
from soundatlas.params import AugmentationParams

OFF = AugmentationParams(gain_db=0.0, mask_bands=0, mask_frames=0, mixup=0.0)


@pytest.fixture
def batch():
    """Give eight windows of noise with labels; the last has no artist."""
    generator = np.random.default_rng(1)
    windows = generator.normal(-50, 5, (8, 20, 16)).astype(np.float32)
    wanted = {"artist": np.eye(4, dtype=np.float32)[np.arange(8) % 4], "tempo_bpm": generator.normal(size=(8, 1))}
    weights = {"artist": np.array([1.0] * 7 + [0.0], np.float32), "tempo_bpm": np.ones(8, np.float32)}
    return windows, {name: values.astype(np.float32) for name, values in wanted.items()}, weights


def _augmented(batch, seed: int = 0, **changed):
    return augment(*batch, OFF.model_copy(update=changed), np.random.default_rng(seed))


def test_off_changes_nothing(batch) -> None:
    """With every knob at 0 the batch comes back as it was."""
    windows, wanted, weights = _augmented(batch)
    assert windows is batch[0]
    assert (wanted, weights) == (batch[1], batch[2])


@pytest.mark.parametrize("knobs", [{"gain_db": 6.0}, {"mask_bands": 4}, {"mask_frames": 4}, {"mixup": 0.4}])
def test_each_knob_is_repeatable_and_spares_its_input(batch, knobs) -> None:
    """The same generator gives the same float32 windows, another gives others, and the argument is not written to."""
    before = batch[0].copy()
    one, two, other = (_augmented(batch, seed, **knobs)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, before)
    assert np.array_equal(batch[0], before)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()


def test_gain_moves_a_window_as_a_whole(batch) -> None:
    """Gain adds one number of dB to all cells of a window."""
    difference = _augmented(batch, gain_db=6.0)[0] - batch[0]
    assert np.ptp(difference, axis=(1, 2)) == pytest.approx(np.zeros(8), abs=1e-4)


def test_masks_are_bands_and_stretches_of_the_mean(batch) -> None:
    """What a mask changes is at most so many whole bands, or whole frames, at the window's mean."""
    for knob, axis in (("mask_bands", 0), ("mask_frames", 1)):
        windows = _augmented(batch, **{knob: 4})[0]
        for new, old in zip(windows, batch[0], strict=True):
            changed = new != old
            lines = changed.all(axis=axis)
            assert changed.sum() == lines.sum() * changed.shape[axis]
            assert lines.sum() <= 4
            assert new[changed] == pytest.approx(old.mean(), abs=1e-3)


def test_mixup_adds_power_and_labels(batch) -> None:
    """A mixed window lies between its two in power, its labels sum to one, and a missing label stays missing."""
    windows, wanted, weights = _augmented(batch, mixup=0.4)
    assert wanted["artist"].sum(axis=1) == pytest.approx(np.ones(8))
    assert (wanted["artist"].max(axis=1) >= 0.5).all()
    assert weights["artist"].sum() <= 7
    assert weights["artist"][7] == 0
    assert windows.max() <= batch[0].max() + 1e-3
    assert windows.min() >= batch[0].min() - 1e-3


@pytest.mark.parametrize("knobs", [{"gain_db": 6.0}, {"mask_bands": 4}, {"mask_frames": 4}, {"mixup": 0.4}])
def test_channels_of_a_window_are_changed_together(batch, knobs) -> None:
    """A window with its mix and stems is changed as the mix alone is: where, how loud, and with which other window."""
    windows, wanted, weights = batch
    stacked = np.stack([windows, windows], axis=-1)
    alone = _augmented(batch, **knobs)[0]
    both = _augmented((stacked, wanted, weights), **knobs)[0]
    assert both.shape == stacked.shape
    for channel in range(2):
        np.testing.assert_allclose(both[..., channel], alone, atol=1e-4)
