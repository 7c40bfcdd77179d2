"""Artists and genres: where their tracks lie on the whole, and which others sound like them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from soundatlas.atlas.chart import CATALOGUE, Place
from soundatlas.atlas.neighbours import nearest
from soundatlas.atlas.reasons import give_reasons
from soundatlas.learning.retrieval import normalised

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.atlas.reasons import Traits

KINDS: tuple[Literal["artist", "genre"], ...] = ("artist", "genre")


def find_places(points: pd.DataFrame, embeddings: NDArray[np.float32], traits: Traits, most: int) -> list[Place]:
    """Return the artists and then the genres of the catalogue, each by name, with their nearest of the same kind.

    Nearest are those with the highest cosine of the mean embeddings of their tracks. A place lies at that of its tracks
    which is nearest to their median: in the midst of some, and not between two clouds.

    Args:
        points: `chart.POINT_COLUMNS`.
        embeddings: of the points.
        traits: of the points.
        most: neighbours of each.
    """
    places: list[Place] = []
    for kind in KINDS:
        places += _places(kind, points, embeddings, traits, most, len(places))
    return places


def _places(
    kind: Literal["artist", "genre"],
    points: pd.DataFrame,
    embeddings: NDArray[np.float32],
    traits: Traits,
    most: int,
    offset: int,
) -> list[Place]:
    """Return the places of one kind; `offset` is where they begin among all places."""
    rows = points[points["layer"] == CATALOGUE].reset_index()  # the catalogue's points come first
    groups = {
        str(name): np.sort(positions).astype(np.int32)
        for name, positions in rows.groupby(kind, sort=True).indices.items()
    }
    if not groups:
        return []
    unit, positions = normalised(embeddings), points[["x", "y"]].to_numpy()
    middles = np.stack([unit[members].mean(axis=0) for members in groups.values()])
    indices, similarities = nearest(middles, min(most, len(groups) - 1))
    reasons = give_reasons(traits.of_groups([*groups.values()]), indices)
    found = []
    for row, (name, members) in enumerate(groups.items()):
        x, y = _midst(positions[members])
        found.append(
            Place(kind, name, x, y, len(members), members, indices[row] + offset, similarities[row], reasons[row])
        )
    return found


def _midst(positions: NDArray[np.float32]) -> tuple[float, float]:
    apart = ((positions - np.median(positions, axis=0)) ** 2).sum(axis=1)
    x, y = positions[int(apart.argmin())]
    return float(x), float(y)
