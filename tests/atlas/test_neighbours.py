"""The nearest by cosine."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import make_clouds

from soundatlas.atlas import neighbours
from soundatlas.atlas.neighbours import nearest


def test_nearest_are_those_of_highest_cosine():
    """Positions and cosines are those of a plain search, whatever the lengths of the vectors, in any block size."""
    _, embeddings, _ = make_clouds(40)
    embeddings = embeddings * np.linspace(0.1, 9, 40)[:, None]
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -2)
    positions, cosines = nearest(embeddings, 5)
    assert positions.dtype == np.int32
    assert cosines.dtype == np.float32
    np.testing.assert_array_equal(positions, np.argsort(-likeness, axis=1, kind="stable")[:, :5])
    np.testing.assert_allclose(cosines, np.sort(likeness, axis=1)[:, :-6:-1], atol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    """Compared a few at a time, the answer is the same."""
    _, embeddings, _ = make_clouds(40)
    whole = nearest(embeddings, 5)
    monkeypatch.setattr(neighbours, "CELLS", 120)
    for one, other in zip(whole, nearest(embeddings, 5), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_of_equals_the_first_comes_first():
    """Equal vectors are told in their order, and nothing is its own neighbour."""
    positions, cosines = nearest(np.ones((4, 3)), 3)
    assert positions.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert cosines == pytest.approx(1.0)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_where_there_are_fewer_the_rest_is_empty(count):
    """Asked for more than there are, the places that stay empty say so."""
    positions, cosines = nearest(np.eye(3)[:count], 4)
    assert positions.shape == cosines.shape == (count, 4)
    assert ((positions >= 0).sum(axis=1) == max(0, count - 1)).all()
    assert (np.isnan(cosines) == (positions == -1)).all()


def test_the_index_finds_what_comparing_all_finds():
    """Above the limit an index answers: nearly always the same neighbours, the same ones each time, never itself."""
    _, embeddings, _ = make_clouds(1500, clouds=10)
    exact, cosines = nearest(embeddings, 10)
    indexed, others = nearest(embeddings, 10, most_exact=100)
    shared = [len(np.intersect1d(one, other)) for one, other in zip(exact, indexed, strict=True)]
    assert np.mean(shared) > 9.5
    assert not (indexed == np.arange(1500)[:, None]).any()
    assert others[:, 0] == pytest.approx(cosines[:, 0], abs=0.05)
    np.testing.assert_array_equal(nearest(embeddings, 10, most_exact=100)[0], indexed)


@pytest.mark.parametrize("most_exact", [10, 1])
def test_things_of_one_identity_are_no_neighbours(most_exact):
    """The same audio twice is not told as the nearest of itself, compared or indexed; the places stay empty."""
    embeddings = np.array([[1.0, 0.0], [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    positions, cosines = nearest(
        embeddings, 3, identities=np.array(["a", "a", "b", "c"], object), most_exact=most_exact
    )
    assert positions.tolist() == [[2, 3, -1], [2, 3, -1], [0, 1, 3], [2, 0, 1]]
    assert cosines[1].tolist() == pytest.approx([0.8, 0.0, np.nan], abs=1e-6, nan_ok=True)
