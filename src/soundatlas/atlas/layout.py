"""From embeddings to positions on the map: fitted once for all tracks together, and placing one more beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundatlas.atlas.neighbours import block_rows, nearest
from soundatlas.learning.retrieval import normalised
from soundatlas.workers import worker_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERPLEXITY = 30.0  # about as many neighbours count for a track's place
FEW = 8  # tracks: below, two principal components are the map
PLACED_BY = 10  # nearest tracks
EARLY, EARLY_STEPS, STEPS = 12.0, 250, 500  # exaggeration, and gradient steps with and without it
# Standard deviation of the positions at which t-SNE starts: of components the usual, which lets all order be found; of
# a map one at which neighbours overlap and its order at large is kept, without early exaggeration.
FRESH, RESUMED = 1e-4, 1.0
FEW_FOR_TREES = 2_000  # tracks: above, interpolation on a grid (FIt-SNE) is faster than Barnes and Hut's trees
FEW_FOR_THREADS = 10_000  # tracks: below, threads wait for each other longer than they work


def fit_layout(
    embeddings: NDArray[np.floating], *, seed: int, start: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Lay tracks out in the plane so that neighbours by cosine are neighbours there; equal input gives equal bytes.

    t-SNE (van der Maaten and Hinton, JMLR 9, 2008) in openTSNE's implementation (Poličar et al., JSS 109(3), 2024),
    which starts from two principal components, as Kobak and Berens advise (Nature Communications 10:5416, 2019).

    Args:
        embeddings: shape (tracks, dimensions).
        seed: of the start.
        start: positions to start from, shape (tracks, 2): the map then resembles them as far as the embeddings allow.

    Returns:
        shape (tracks, 2), around 0 and within -1 to 1.
    """
    unit = normalised(embeddings)
    if len(unit) < FEW:
        return within_bounds(_two_components(unit))
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = min(PERPLEXITY, (len(unit) - 1) / 3)
    positions, cosines = nearest(unit, int(3 * perplexity))
    chords = np.sqrt(np.maximum(2 - 2 * cosines.astype(np.float64), 0))  # between the ends of unit vectors
    threads = 1 if len(unit) < FEW_FOR_THREADS else worker_count()
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(positions.astype(np.int64), chords), perplexity=perplexity, n_jobs=threads
    )
    begin = np.asarray(_two_components(unit) if start is None else start, np.float64)
    begin = (begin - begin.mean(axis=0)) / max(float(begin.std()), np.finfo(np.float64).tiny)
    layout = TSNEEmbedding(begin * (FRESH if start is None else RESUMED), affinities, n_jobs=threads, random_state=seed)
    if start is None:
        layout = layout.optimize(EARLY_STEPS, exaggeration=EARLY, momentum=0.5)
    return within_bounds(np.asarray(layout.optimize(STEPS, momentum=0.8)))


def place(
    embeddings: NDArray[np.floating], placed: NDArray[np.floating], positions: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Place tracks on a map that is there already, and move nothing else: each at the median of its 10 nearest.

    (Kobak and Berens, 2019, section "Positioning new data points onto existing t-SNE atlas".)

    Args:
        embeddings: of the tracks to place, shape (tracks, dimensions).
        placed: embeddings of those that have a position, shape (others, dimensions), at least one.
        positions: theirs, shape (others, 2).

    Returns:
        shape (tracks, 2).
    """
    unit, others = normalised(embeddings).astype(np.float32), normalised(placed).astype(np.float32)
    found = np.empty((len(unit), 2), np.float32)
    most = min(PLACED_BY, len(others))
    block = block_rows(len(others))
    for first in range(0, len(unit), block):
        likeness = unit[first : first + block] @ others.T
        closest = np.argpartition(-likeness, most - 1, axis=1)[:, :most]
        found[first : first + block] = np.median(positions[closest], axis=1)
    return found


def within_bounds(positions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Move positions around their mean, and scale both directions alike so that all lie within -1 to 1."""
    if not len(positions):
        return np.empty((0, 2), np.float32)
    moved = positions - positions.mean(axis=0, dtype=np.float64)
    return np.asarray(moved / max(float(np.abs(moved).max()), np.finfo(np.float64).tiny), np.float32)


def _two_components(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two principal components; 0 where there are fewer, or all tracks are alike."""
    from sklearn.decomposition import PCA

    found = np.zeros((len(unit), 2))
    most = min(2, len(unit) - 1, unit.shape[1])
    if most > 0 and np.ptp(unit, axis=0).any():
        found[:, :most] = PCA(most, svd_solver="covariance_eigh").fit_transform(unit)
    return found
