"""How well an embedding brings like to like: mean average precision of the nearest training tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST = 10


def normalised(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale each row to length 1; a row of zeros stays one."""
    wide = np.asarray(vectors, dtype=np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), np.finfo(np.float64).tiny))


def average_precisions(
    queries: NDArray[np.floating],
    wanted: NDArray[np.int64],
    gallery: NDArray[np.floating],
    offered: NDArray[np.int64],
    *,
    nearest: int = NEAREST,
) -> NDArray[np.float64]:
    """Return the average precision at `nearest` of each query, by cosine similarity.

    AP@k is the mean, over the ranks up to k that hold a track of the query's class, of the precision at that rank,
    divided by the most such tracks that there could be (Manning et al., Introduction to Information Retrieval,
    section 8.4). A random order gives about the class's share of the gallery.

    Args:
        queries: held-out tracks, shape (queries, dimensions).
        wanted: class index of each, `MISSING` where unknown.
        gallery: the tracks to find among, shape (tracks, dimensions).
        offered: class index of each.
        nearest: k.

    Returns:
        shape (queries,); NaN for a query without class or without any track of it in the gallery.
    """
    similarity = normalised(queries) @ normalised(gallery).T
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :nearest]
    hits = (offered[order] == wanted[:, None]) & (wanted != MISSING)[:, None]
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    most = np.minimum([(offered == label).sum() for label in wanted], nearest).astype(np.float64)
    most[(wanted == MISSING) | (most == 0)] = np.nan
    return np.asarray((precision * hits).sum(axis=1) / most)


def mean_average_precision(
    embeddings: NDArray[Any], labels: NDArray[np.int64], groups: NDArray[Any], neighbours: int = NEAREST
) -> float:
    """Return the mAP@10: each track asks for the tracks nearest to it by cosine, and those of its class are right.

    Tracks of one group (a work) never answer each other: they would be found by their notes, not by their class.

    Args:
        embeddings: shape (tracks, dimensions).
        labels: class index per track.
        groups: group per track.
        neighbours: how many answers count.

    Returns:
        0 to 1; NaN where no track has another of its class outside its group.
    """
    unit = normalised(embeddings)
    scores = []
    for likeness, label, group in zip(unit @ unit.T, labels, groups, strict=True):
        asked = np.flatnonzero(groups != group)
        right = labels[asked] == label
        if not right.any():
            continue
        found = right[np.argsort(-likeness[asked], kind="stable")[:neighbours]]
        precision = np.cumsum(found) / np.arange(1, len(found) + 1)
        scores.append(float((precision * found).sum()) / min(neighbours, int(right.sum())))
    return float(np.mean(scores)) if scores else float("nan")
