"""Where everything lies, from one day to the next."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import make_clouds, make_descriptors

from soundatlas.atlas.arrangement import arrange
from soundatlas.atlas.axes import composites, measure_axes
from soundatlas.atlas.remembered import LayoutMemory
from soundatlas.history.store import open_history

FIRST, SECOND = "a" * 64, "b" * 64
COUNT = 60


@pytest.fixture
def place_tracks(tmp_path):
    """Give a function that arranges the first so many tracks by a model, in one project."""

    def place(count: int = COUNT, model: str = FIRST, *, first: int = 0, noise: float = 0.0, refit_share: float = 0.2):
        with open_history(tmp_path) as history:
            history.note_projection(model)
        shas, embeddings, _ = make_clouds(count, first=first)
        heard = embeddings + np.random.default_rng(5).normal(0, noise or 1e-12, embeddings.shape).astype(np.float32)
        memory = LayoutMemory(tmp_path, 1)
        return arrange(memory, model, shas, heard, make_descriptors(count), seed=1, refit_share=refit_share)

    return place


def test_one_more_track_moves_nothing_else(place_tracks):
    """With a new track, all others lie where they lay, to the bit, and it lies among its like."""
    before, after = place_tracks(), place_tracks(COUNT + 1)
    assert after.positions[:COUNT].tobytes() == before.positions.tobytes()
    assert after.fitted.tolist() == [True] * COUNT + [False]
    _, _, members = make_clouds(COUNT + 1)
    apart = np.linalg.norm(after.positions[:COUNT] - after.positions[COUNT], axis=1)
    assert members[apart.argmin()] == members[COUNT]


def test_the_same_again_is_the_same(place_tracks, tmp_path):
    """Drawn again, with the layout remembered or forgotten, the map is the same bytes."""
    first = place_tracks()
    assert place_tracks().positions.tobytes() == first.positions.tobytes()
    for path in (tmp_path / "data/history/layouts").iterdir():
        path.unlink()
    assert place_tracks().positions.tobytes() == first.positions.tobytes()


def test_a_removed_track_moves_nothing_else(place_tracks):
    """Tracks that stay keep their places when others leave."""
    before, after = place_tracks(), place_tracks(COUNT - 5)
    assert after.positions.tobytes() == before.positions[: COUNT - 5].tobytes()


def test_many_new_tracks_have_the_map_fitted_anew_where_it_lay(place_tracks):
    """Above the share, all take part in the fitting; the earlier tracks still lie about where they lay."""
    before, below, above = place_tracks(), place_tracks(70), place_tracks(90)
    assert not below.fitted.all()
    assert above.fitted.all()
    moved = np.linalg.norm(above.positions[:COUNT] - before.positions, axis=1)
    assert 0 < np.median(moved) < 0.3
    assert place_tracks(90).positions.tobytes() == above.positions.tobytes()


def test_the_first_map_is_turned_to_its_axes(place_tracks):
    """No turn of the very first map fits the descriptors better than the one it has."""
    positions = place_tracks().positions
    wanted = composites(make_descriptors(COUNT))

    def fit(moved) -> float:
        return sum(float(np.corrcoef(moved[:, axis], wanted[:, axis])[0, 1]) for axis in range(2))

    angles = np.deg2rad(np.arange(0, 360, 5))
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    assert fit(positions) >= max(fit(positions @ turn @ np.diag([1, m])) for turn in turns for m in (1, -1)) - 0.01
    assert all(
        axis.r2 >= 0 for axis in measure_axes(positions, make_descriptors(COUNT), np.arange(COUNT).astype(object))
    )


def test_another_model_starts_from_the_map_before(place_tracks):
    """A new champion's map resembles the one before, which it can be compared with; the first has none before."""
    first = place_tracks()
    assert first.earlier_model is None
    assert np.isnan(first.earlier).all()
    second = place_tracks(COUNT, SECOND, noise=0.1)
    assert second.earlier_model == FIRST
    moved = np.linalg.norm(second.positions - second.earlier, axis=1)
    assert np.median(moved) < 0.3
    assert np.median(np.linalg.norm(second.earlier - first.positions, axis=1)) < 0.2


def test_after_a_rollback_the_earlier_map_is_back(place_tracks):
    """The first model's map is what it was, and the arrows come from the second's."""
    first = place_tracks()
    place_tracks(COUNT, SECOND, noise=0.1)
    back = place_tracks()
    assert back.positions.tobytes() == first.positions.tobytes()
    assert back.earlier_model == SECOND


def test_tracks_that_the_earlier_map_lacked_have_no_arrow(place_tracks):
    """New tracks have no earlier position."""
    place_tracks(COUNT - 10)
    second = place_tracks(COUNT, SECOND, noise=0.1)
    assert np.isfinite(second.earlier[: COUNT - 10]).all()
    assert np.isnan(second.earlier[COUNT - 10 :]).all()


def test_another_music_has_another_map(place_tracks):
    """Where no track is left of those that a map was fitted to, it is fitted from nothing."""
    place_tracks()
    other = place_tracks(first=1000)
    assert other.fitted.all()
    assert np.isfinite(other.positions).all()
