"""From windows to a track."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.learning.track import EMBEDDING, predict_track, softmax

SPACE = LabelSpace({"genre": ("air", "reel")}, {"tempo_bpm": Scale(100.0, 20.0)})


def _run(windows: np.ndarray) -> dict[str, np.ndarray]:
    """Stand in for a network: what it says is linear in a window's first two cells."""
    cells = windows[:, 0, :2]
    return {"genre": cells, "tempo_bpm": cells.sum(axis=1, keepdims=True), EMBEDDING: np.repeat(cells, 2, axis=1)}


@pytest.mark.parametrize("count", [1, 2, 133])
def test_track_is_the_mean_over_its_windows(count) -> None:
    """Every output of a track is the mean over all its windows, named by the label space."""
    windows = np.random.default_rng(count).normal(-50, 10, (count, 3, 4)).astype(np.float32)
    mean = windows[:, 0, :2].mean(axis=0)
    found = predict_track(_run, SPACE, windows)
    np.testing.assert_allclose(found.logits["genre"], mean, rtol=1e-6)
    assert found.logits["genre"].dtype == np.float32
    assert found.values == {"tempo_bpm": pytest.approx(mean.sum(), rel=1e-6)}
    np.testing.assert_allclose(found.embedding, np.repeat(mean, 2), rtol=1e-6)


def test_softmax_survives_large_logits() -> None:
    """Probabilities sum to one over the last axis, and no logit is too large for them."""
    found = softmax(np.array([[0.0, np.log(3.0)], [1000.0, -1000.0]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0.25, 0.75], [1.0, 0.0]], atol=1e-7)
