"""Laying tracks out, and placing others beside them."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import make_clouds

from soundatlas.atlas import layout
from soundatlas.atlas.layout import FEW, fit_layout, place, within_bounds


def same_cloud(positions, members) -> float:
    """Return the share of nearest points on the map that lie in the same cloud."""
    apart = ((positions[:, None] - positions[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(apart, np.inf)
    return float((members[apart.argmin(axis=1)] == members).mean())


def test_neighbours_stay_neighbours():
    """Tracks of one cloud lie together, around the middle and within the bounds."""
    _, embeddings, members = make_clouds(80)
    fitted = fit_layout(embeddings, seed=1)
    assert fitted.dtype == np.float32
    assert same_cloud(fitted, members) == 1.0
    assert np.abs(fitted).max() == pytest.approx(1.0)
    assert fitted.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("few", [0, 1000])
def test_equal_input_gives_equal_bytes_however_many_threads(monkeypatch, few):
    """The layout is a function of embeddings and seed, by either way of computing the gradient."""
    _, embeddings, _ = make_clouds(60)
    monkeypatch.setattr(layout, "FEW_FOR_THREADS", 0)
    monkeypatch.setattr(layout, "FEW_FOR_TREES", few)
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    first = fit_layout(embeddings, seed=1)
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "3")
    assert fit_layout(embeddings, seed=1).tobytes() == first.tobytes()


def test_a_start_is_kept_to():
    """Fitted anew from a map turned by a quarter, tracks come to lie where that had them, and not as before."""
    _, embeddings, _ = make_clouds(80, clouds=9)
    first = fit_layout(embeddings, seed=1)
    start = first @ np.array([[0, 1], [-1, 0]])
    again = fit_layout(embeddings + np.float32(0.01), seed=1, start=start)
    assert np.corrcoef(again.ravel(), start.ravel())[0, 1] > 0.9
    assert np.corrcoef(again.ravel(), first.ravel())[0, 1] < 0.5


@pytest.mark.parametrize("count", range(FEW + 2))
def test_few_tracks_have_a_map_too(count):
    """From no track upwards, each has a finite position within the bounds."""
    fitted = fit_layout(make_clouds(max(1, count))[1][:count], seed=1)
    assert fitted.shape == (count, 2)
    assert np.isfinite(fitted).all()
    assert (np.abs(fitted) <= 1).all()


def test_equal_tracks_have_a_map_too():
    """Tracks that sound all alike, or have no embedding at all, end in no fault."""
    assert np.isfinite(fit_layout(np.ones((20, 4)), seed=1)).all()
    assert np.isfinite(fit_layout(np.zeros((20, 4)), seed=1)).all()


def test_a_track_is_placed_in_the_midst_of_its_nearest():
    """A placed track lies at the median of the ten that are nearest to it by cosine."""
    _, embeddings, members = make_clouds(80)
    positions = np.stack([members * 1.0, np.arange(80.0)], axis=1).astype(np.float32)
    _, new, cloud = make_clouds(3, first=80)
    found = place(new, embeddings, positions)
    assert found[:, 0].tolist() == cloud.tolist()
    likeness = (new[0] / np.linalg.norm(new[0])) @ (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).T
    assert found[0, 1] == np.median(positions[np.argsort(-likeness)[:10], 1])


def test_bounds_keep_the_shape():
    """Both directions are scaled alike: a square stays one."""
    square = np.array([[5, 5], [9, 5], [9, 9], [5, 9]], float)
    np.testing.assert_allclose(within_bounds(square), [[-1, -1], [1, -1], [1, 1], [-1, 1]])
    assert within_bounds(np.empty((0, 2))).shape == (0, 2)
