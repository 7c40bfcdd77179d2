"""The training tracks that a model keeps for comparison."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.errors import BundleError
from soundatlas.learning.labels import MISSING
from soundatlas.learning.references import NAME, References


def _two_clouds(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    classes = np.arange(count) % 2
    return (generator.normal(0, 1, (count, 6)) + 8 * classes[:, None]).astype(np.float32), classes.astype(np.int64)


def test_nearness_is_that_of_the_class_asked_for() -> None:
    """A track amid one class is near to it, far from the other, and a third place is far from both."""
    features, classes = _two_clouds()
    references = References.of(features, classes)
    amid, away = np.zeros(6, np.float32), np.full(6, 40.0, np.float32)
    assert references.nearness(amid, 0) > references.nearness(amid, 1) > references.nearness(away, 1)
    assert -0.5 < references.nearness(amid, 0) < 0


def test_units_of_the_features_do_not_count() -> None:
    """A feature in other units weighs as much as before; one that never changes weighs nothing and breaks nothing."""
    features, classes = _two_clouds()
    scaled = features * np.array([1000, 1, 1, 1, 1, 0.001], np.float32)
    plain, other = References.of(features, classes), References.of(scaled, classes)
    assert other.nearness(scaled[3], 1) == pytest.approx(plain.nearness(features[3], 1), rel=1e-3)
    flat = np.hstack([features, np.full((len(features), 1), 7.0, np.float32)])
    assert np.isfinite(References.of(flat, classes).nearness(flat[0], 0))


def test_fewer_than_three_tracks_suffice() -> None:
    """A class with a single training track has a nearness."""
    features, classes = _two_clouds(2)
    assert References.of(features, classes).nearness(features[1], 1) == pytest.approx(0.0)


def test_only_tracks_of_known_class_are_kept_and_not_more_than_asked_for() -> None:
    """Tracks without the label are left out; of many tracks always the same ones stay, in their order."""
    features, classes = _two_clouds(60)
    classes[:10] = MISSING
    kept = References.of(features, classes, most=20)
    assert kept.features.shape == (20, 6)
    assert (kept.classes != MISSING).all()
    again = References.of(features, classes, most=20)
    assert np.array_equal(kept.features, again.features)


def test_no_class_loses_all_its_tracks() -> None:
    """Of many tracks each class keeps as many as are asked for its nearness, however few it has: none has none."""
    features = np.random.default_rng(1).normal(0, 1, (400, 6)).astype(np.float32)
    classes = np.concatenate([np.zeros(380), np.arange(20) // 2 + 1]).astype(np.int64)
    kept = References.of(features, classes, most=50)
    assert len(kept.classes) == 50
    assert [int((kept.classes == label).sum()) for label in range(11)] == [30, *[2] * 10]
    assert all(np.isfinite(kept.nearness(features[0], label)) for label in range(11))
    assert len(References.of(features, classes, most=10).classes) == 23


def test_saved_references_read_back(tmp_path) -> None:
    """The file gives the same nearness, and the same bytes when it is written again."""
    features, classes = _two_clouds()
    references = References.of(features, classes)
    references.save(tmp_path)
    first = (tmp_path / NAME).read_bytes()
    read = References.load(tmp_path)
    assert read.nearness(features[5], 1) == references.nearness(features[5], 1)
    read.save(tmp_path)
    assert (tmp_path / NAME).read_bytes() == first


def test_a_damaged_file_is_named(tmp_path) -> None:
    """A file that is none says so and what to do."""
    (tmp_path / NAME).write_bytes(b"no tensors")
    with pytest.raises(BundleError, match=r"references\.safetensors cannot be read.*train the model again"):
        References.load(tmp_path)
