"""How far the map can be trusted: whether its neighbours are neighbours, and whether they share a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.atlas.neighbours import block_rows
from soundatlas.learning.retrieval import normalised
from soundatlas.learning.score import interval, resamples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NEIGHBOURS = 10
MOST_QUERIES = 2_000  # tracks whose neighbours are judged; of more, an evenly spaced choice
RESAMPLES, CONFIDENCE = 1000, 0.95


def faithfulness(embeddings: NDArray[np.floating], positions: NDArray[np.floating]) -> dict[str, float]:
    """Return how faithful a map is to its embeddings.

    Args:
        embeddings: shape (tracks, dimensions); neighbours there are by cosine.
        positions: shape (tracks, 2); neighbours there are by distance.

    Returns:
        trustworthiness: 1 where all neighbours on the map are neighbours by the embedding, and less the further down
        they stand there (Venna and Kaski, Neural Networks 19, 2006); neighbour_preservation: share of the 10 nearest
        by the embedding that are among the 10 nearest on the map, and what chance would give; NaN for less than 3
        tracks.
    """
    count = len(embeddings)
    most = min(NEIGHBOURS, (count - 1) // 2)  # trustworthiness is defined up to there
    names = ("trustworthiness", "neighbour_preservation", "neighbour_preservation_chance")
    if most < 1:
        return dict.fromkeys(names, float("nan"))
    too_far, kept, asked = 0.0, 0, _queries(count)
    for rows, likeness, distances in _compared(embeddings, positions, asked):
        near, shown = _first(-likeness, most), _first(distances, most)
        for row in range(len(rows)):
            ranks = (likeness[row] > likeness[row, shown[row], None]).sum(axis=1) + 1
            too_far += float(np.maximum(ranks - most, 0).sum())
            kept += len(np.intersect1d(near[row], shown[row]))
    worst = len(asked) * most * (2 * count - 3 * most - 1) / 2
    values = (1 - too_far / worst, kept / (len(asked) * most), most / (count - 1))
    return dict(zip(names, values, strict=True))


def label_agreement(
    embeddings: NDArray[np.floating],
    positions: NDArray[np.floating],
    labels: pd.Series,
    groups: NDArray[np.object_],
    held_out: NDArray[np.bool_],
) -> dict[str, Any]:
    """Return how many of the 10 nearest tracks share a label, on the map, by the embedding, and by chance.

    Asked is from held-out tracks: the model has learned the labels of the others by heart. Tracks of one work never
    answer each other, since they would be found by their notes.

    Args:
        embeddings: shape (tracks, dimensions).
        positions: shape (tracks, 2).
        labels: of the tracks; missing where there is none.
        groups: the work of each track.
        held_out: tracks that are asked from.

    Returns:
        mean shares with the ends of their 95 % intervals, by a bootstrap over works; `tracks` that were asked from.
        Nothing where there are none.
    """
    known = labels.notna().to_numpy()
    embeddings, positions, groups = embeddings[known], positions[known], groups[known]
    codes = pd.factorize(labels[known])[0]
    candidates = np.flatnonzero(held_out[known])
    asked = candidates[_queries(len(candidates))]
    shares = []
    for rows, likeness, distances in _compared(embeddings, positions, asked):
        for row, own in enumerate(rows):
            others = np.flatnonzero(groups != groups[own])
            if len(others) < NEIGHBOURS:
                continue
            same = codes[others] == codes[own]
            orders = (_first(key[None, others], NEIGHBOURS)[0] for key in (distances[row], -likeness[row]))
            shares.append((groups[own], *(float(same[order].mean()) for order in orders), float(same.mean())))
    if not shares:
        return {}
    works, *columns = zip(*shares, strict=True)
    samples = resamples(np.array(works, dtype=str), RESAMPLES)
    figures: dict[str, Any] = {}
    for name, column in zip(("layout", "embedding", "chance"), columns, strict=True):
        values = np.array(column)
        score = interval(
            lambda picked, values=values: float(values[picked].mean()),  # type: ignore[misc]  # mypy infers no default
            samples,
            len(values),
            CONFIDENCE,
        )
        figures |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
    return {**figures, "tracks": len(shares)}


def _queries(count: int) -> NDArray[np.int64]:
    """Return positions of at most so many things as are asked from."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_QUERIES)).astype(np.int64)) if count else np.arange(0)


def _compared(
    embeddings: NDArray[np.floating], positions: NDArray[np.floating], asked: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]:
    """Yield some of the asked, their cosines to all, -inf to themselves, and their distances to all, inf likewise."""
    unit, places = normalised(embeddings).astype(np.float32), np.asarray(positions, np.float32)
    block = block_rows(len(unit))
    for first in range(0, len(asked), block):
        rows = asked[first : first + block]
        likeness = unit[rows] @ unit.T
        distances = ((places[rows, None, 0] - places[:, 0]) ** 2) + ((places[rows, None, 1] - places[:, 1]) ** 2)
        own = np.arange(len(rows))
        likeness[own, rows], distances[own, rows] = -np.inf, np.inf
        yield rows, likeness, distances


def _first(keys: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return positions of the smallest `most` keys of each row, in order; equals in theirs, any of them at the end."""
    candidates = np.sort(np.argpartition(keys, most - 1, axis=1)[:, :most], axis=1)
    order = np.argsort(np.take_along_axis(keys, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)
