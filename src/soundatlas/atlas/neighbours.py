"""The nearest things by the cosine of their embeddings: exact for most catalogues, by an index for very large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.learning.retrieval import normalised
from soundatlas.workers import worker_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_EXACT = 20_000  # things; above, comparing all with all costs more than an index
CELLS = 20_000_000  # cosines held at once
WIDTH = 2  # the index is asked for so many times as many: its last answers are the least sure


def nearest(
    embeddings: NDArray[np.floating],
    most: int,
    *,
    identities: NDArray[Any] | None = None,
    most_exact: int = MOST_EXACT,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the `most` nearest of each thing, but for itself, the nearest first; equals in their order.

    Which of several equals is the last one told is not defined, but always the same.

    Args:
        embeddings: shape (things, dimensions), of any length.
        most: how many.
        identities: of each thing; things of one identity are no neighbours of each other. By default all differ.
        most_exact: up to so many things, all are compared with all. Above, an HNSW graph is asked (Malkov and
            Yashunin, IEEE TPAMI 42(4), 2020), built by one thread, so that it is always the same graph.

    Returns:
        positions, int32 of shape (things, most), -1 where there are fewer; and cosines, float32, NaN there.
    """
    unit = normalised(embeddings).astype(np.float32)
    found = min(most, max(0, len(unit) - 1))
    own = np.arange(len(unit)) if identities is None else np.unique(identities, return_inverse=True)[1]
    positions = np.full((len(unit), most), -1, np.int32)
    cosines = np.full((len(unit), most), np.nan, np.float32)
    if found:
        search = _exact if len(unit) <= most_exact else _indexed
        positions[:, :found], cosines[:, :found] = search(unit, found, own)
        cosines[~np.isfinite(cosines)] = np.nan  # of fewer others than `found`
        positions[np.isnan(cosines)] = -1
    return positions, np.clip(cosines, -1, 1)


def block_rows(columns: int) -> int:
    """Return how many things are compared at once with so many others."""
    return max(1, CELLS // max(1, columns))


def _exact(
    unit: NDArray[np.float32], most: int, own: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    positions = np.empty((len(unit), most), np.int64)
    cosines = np.empty((len(unit), most), np.float32)
    block = block_rows(len(unit))
    for first in range(0, len(unit), block):
        likeness = unit[first : first + block] @ unit.T
        rows = np.arange(len(likeness))[:, None]
        likeness[own[first : first + block, None] == own] = -np.inf  # not its own neighbour
        candidates = np.sort(np.argpartition(-likeness, most - 1, axis=1)[:, :most], axis=1)
        order = np.argsort(-likeness[rows, candidates], axis=1, kind="stable")
        positions[first : first + block] = candidates[rows, order]
        cosines[first : first + block] = likeness[rows, candidates[rows, order]]
    return positions, cosines


def _indexed(
    unit: NDArray[np.float32], most: int, own: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    from usearch.index import Index

    index = Index(ndim=unit.shape[1], metric="ip", dtype="f32")
    index.add(np.arange(len(unit)), unit, threads=1)
    matches = index.search(unit, min(len(unit), WIDTH * most + 1), threads=worker_count())
    keys, distances = np.asarray(matches.keys, np.int64), np.asarray(matches.distances, np.float32)
    distances[own[keys] == own[:, None]] = np.inf  # not its own neighbour
    order = np.lexsort((keys, distances), axis=1)[:, :most]
    rows = np.arange(len(unit))[:, None]
    return keys[rows, order], 1 - distances[rows, order]
