"""Where everything lies: a fitted layout that is kept as long as it serves, and new tracks placed on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundatlas.atlas.alignment import align
from soundatlas.atlas.axes import composites, turned
from soundatlas.atlas.layout import fit_layout, place, within_bounds

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.atlas.remembered import LayoutMemory

LEAST_COMMON = 3  # tracks by which two maps can be aligned
LEAST_COMMON_SHARE = 0.5  # of the tracks, for a fit to start from another map


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Where the catalogue's tracks lie, and where an earlier model's map had them.

    Attributes:
        positions: shape (tracks, 2), float32.
        fitted: whether a track took part in the fitting of the layout; others were placed, shape (tracks,).
        earlier_model: content hash of the model before; None without one.
        earlier: its map of the same tracks, moved so that it lies on this one; NaN where it had none, (tracks, 2).
    """

    positions: NDArray[np.float32]
    fitted: NDArray[np.bool_]
    earlier_model: str | None
    earlier: NDArray[np.float32]


def arrange(
    memory: LayoutMemory,
    model_sha256: str,
    shas: list[str],
    embeddings: NDArray[np.float32],
    descriptors: pd.DataFrame,
    *,
    seed: int,
    refit_share: float,
) -> Arrangement:
    """Arrange the catalogue: on the model's layout where it has one, or on a new one, which is remembered.

    A layout serves as long as no more than `refit_share` of the tracks took no part in its fitting. A new one starts
    from where the tracks lay before (with this model, or with the one before), and is turned as that was; the very
    first is turned so that its directions mean what `axes.MEANINGS` says.

    Args:
        memory: of layouts.
        model_sha256: content hash of the model.
        shas: audio SHA-256 of each track, each once.
        embeddings: shape (tracks, dimensions).
        descriptors: a row per track.
        seed: of the fitting.
        refit_share: 0 to 1.
    """
    own = _known(memory.read(model_sha256), shas)
    fitted = _placed(own)
    earlier = memory.before(model_sha256)
    theirs = np.full_like(own, np.nan) if earlier is None else _known(earlier[1], shas)
    if not fitted.any() or (~fitted).mean() > refit_share:
        own = _fitted(embeddings, descriptors, own if fitted.any() else theirs, seed)
        memory.keep(model_sha256, shas, own)
        fitted = np.ones(len(shas), bool)
    positions = _filled(embeddings, own)
    return Arrangement(positions, fitted, earlier[0] if earlier else None, _onto(theirs, positions))


def _known(layout: pd.DataFrame, shas: list[str]) -> NDArray[np.float32]:
    """Return the positions of tracks on a layout, NaN for those that it lacks."""
    found = layout.set_index("audio_sha256")[["x", "y"]].reindex(shas)
    return found.to_numpy(np.float32)


def _placed(positions: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(positions).all(axis=1))


def _filled(embeddings: NDArray[np.float32], positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Place the tracks that have no position among those that have one."""
    known = _placed(positions)
    filled = positions.copy()
    if not known.all():
        filled[~known] = place(embeddings[~known], embeddings[known], positions[known])
    return filled


def _fitted(
    embeddings: NDArray[np.float32], descriptors: pd.DataFrame, before: NDArray[np.float32], seed: int
) -> NDArray[np.float32]:
    known = _placed(before)
    follows = known.sum() >= LEAST_COMMON and known.mean() >= LEAST_COMMON_SHARE
    fresh = fit_layout(embeddings, seed=seed, start=_filled(embeddings, before) if follows else None)
    if known.sum() >= LEAST_COMMON:
        return within_bounds(align(fresh[known], before[known]).move(fresh))
    return within_bounds(turned(fresh, composites(descriptors)))


def _onto(earlier: NDArray[np.float32], positions: NDArray[np.float32]) -> NDArray[np.float32]:
    known = _placed(earlier)
    return align(earlier[known], positions[known]).move(earlier) if known.sum() >= LEAST_COMMON else earlier
