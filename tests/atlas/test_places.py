"""Artists and genres on the map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clouds import make_clouds

from soundatlas.atlas.chart import CATALOGUE, INBOX, Prediction
from soundatlas.atlas.places import find_places
from soundatlas.atlas.reasons import traits_of

COUNT = 24


@pytest.fixture
def mapped():
    """Give points in four clouds, an artist each, of which two make a genre; and their embeddings."""
    _, embeddings, members = make_clouds(COUNT)
    points = pd.DataFrame(
        {
            "layer": CATALOGUE,
            "artist": [f"artist {cloud}" for cloud in members],
            "genre": ["low" if cloud < 2 else "high" for cloud in members],
            "x": members.astype(np.float32),
            "y": np.arange(COUNT, dtype=np.float32),
        }
    )
    return points, embeddings


def places_of(points, embeddings, most=2):
    """Find the places of points that nothing was predicted of."""
    nothing = traits_of([{}] * len(points), [Prediction({}, {})] * len(points), ())
    return find_places(points, embeddings, nothing, most)


def test_artists_then_genres_by_name_with_their_members(mapped):
    """Each is there once, with its tracks and its place among them."""
    places = places_of(*mapped)
    assert [(place.kind, place.name) for place in places] == [
        *(("artist", f"artist {cloud}") for cloud in range(4)),
        ("genre", "high"),
        ("genre", "low"),
    ]
    assert places[1].members.tolist() == [1, 5, 9, 13, 17, 21]
    assert (places[1].count, places[1].x) == (6, 1.0)
    assert places[1].y in {9.0, 13.0}
    assert places[5].x in {0.0, 1.0}  # in the midst of one cloud, not between two


def test_neighbours_are_of_the_same_kind_and_by_mean_embedding(mapped):
    """The nearest artist is the one with the highest cosine of the means; positions are those among all places."""
    points, embeddings = mapped
    places = places_of(points, embeddings)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    means = np.stack([unit[place.members].mean(axis=0) for place in places[:4]])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    likeness = means @ means.T - 2 * np.eye(4)
    for number, place in enumerate(places[:4]):
        assert place.indices.tolist() == np.argsort(-likeness[number])[:2].tolist()
        assert place.similarities[0] == pytest.approx(likeness[number].max(), abs=1e-6)
    assert [place.indices.tolist() for place in places[4:]] == [[5], [4]]


def test_the_inbox_and_tracks_without_a_name_belong_to_nobody(mapped):
    """Files of the inbox are no members, and a missing name is no place."""
    points, embeddings = mapped
    points.loc[20:, "layer"] = INBOX
    points.loc[points["artist"] == "artist 3", "artist"] = None
    places = places_of(points, embeddings)
    assert [place.name for place in places] == ["artist 0", "artist 1", "artist 2", "high", "low"]
    assert max(place.members.max() for place in places) < 20


def test_without_names_there_are_no_places(mapped):
    """A catalogue without labels has a map without places."""
    points, embeddings = mapped
    assert places_of(points.assign(artist=None, genre=None), embeddings) == []
