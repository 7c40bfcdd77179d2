"""Temperature scaling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from soundatlas.learning.calibration import COLDEST, HOTTEST, calibrated_loss, fit_factors, fit_temperature
from soundatlas.learning.labels import MISSING
from soundatlas.learning.score import expected_calibration_error


def _drawn(temperature: float, tracks: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits, and labels that come true as often as softmax(logits / temperature) says."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (tracks, classes)).astype(np.float32)
    probabilities = softmax(logits.astype(np.float64) / temperature, axis=1)
    truth = np.array([generator.choice(classes, p=row) for row in probabilities])
    return logits, truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found(temperature: float) -> None:
    """The temperature by which the labels were drawn comes back."""
    assert fit_temperature(*_drawn(temperature)) == pytest.approx(temperature, rel=0.08)


def test_calibration_gets_better_and_labels_stay() -> None:
    """An overconfident head's ECE falls, and no label changes."""
    logits, truth = _drawn(3.0)
    temperature = fit_temperature(logits, truth)
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    assert expected_calibration_error(truth, after) < 0.5 * expected_calibration_error(truth, before)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_missing_labels_count_for_nothing() -> None:
    """Tracks without a label change nothing; without any label the temperature is 1."""
    logits, truth = _drawn(2.0, tracks=500)
    nonsense = np.full((100, 5), 50, dtype=np.float32)
    more = np.concatenate([logits, nonsense]), np.concatenate([truth, np.full(100, MISSING)])
    assert fit_temperature(*more) == fit_temperature(logits, truth)
    assert fit_temperature(nonsense, np.full(100, MISSING)) == 1.0


def test_perfect_and_hopeless_heads_stay_in_bounds() -> None:
    """A head that is always right, or always surely wrong, gets a finite temperature."""
    logits = 10 * np.eye(4, dtype=np.float32)
    assert COLDEST <= fit_temperature(logits, np.arange(4)) < 0.5
    assert 5 < fit_temperature(logits, (np.arange(4) + 1) % 4) <= HOTTEST


def test_rare_classes_count_like_frequent_ones() -> None:
    """Doubling the tracks of one class changes neither factor nor loss."""
    logits, truth = _drawn(2.0, tracks=300, classes=3)
    twice = np.concatenate([np.arange(300), np.flatnonzero(truth == 1)])
    assert fit_temperature(logits[twice], truth[twice]) == pytest.approx(fit_temperature(logits, truth), rel=1e-3)
    assert calibrated_loss(logits[twice], truth[twice]) == pytest.approx(calibrated_loss(logits, truth), rel=1e-4)


def test_each_part_gets_its_factor() -> None:
    """Logits that are the sum of two parts are taken apart again."""
    generator = np.random.default_rng(3)
    parts = generator.normal(0, 2, (2, 4000, 3))
    probabilities = softmax(1.0 * parts[0] + 0.25 * parts[1], axis=1)
    truth = np.array([generator.choice(3, p=row) for row in probabilities])
    assert fit_factors(list(parts), truth) == pytest.approx([1.0, 0.25], abs=0.08)
