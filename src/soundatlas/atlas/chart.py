"""What a map says, before it is drawn: points, places, axes, neighbours and how far each can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CATALOGUE, INBOX = "catalogue", "inbox"

# Columns of `Chart.points`, in this order; numeric attributes of the catalogue follow. Missing is None or NaN.
POINT_COLUMNS = (
    "point_id",  # track_id; of a file of the inbox its audio_sha256
    "layer",  # "catalogue" or "inbox"
    "x",  # map units, -1 to 1, float32
    "y",
    "artist",
    "title",
    "album",
    "work",
    "genre",
    "year",
    "decade",
    "source",
    "licence",
    "ml_use",
    "audio_sha256",
    "path",
    "side",  # train, validation or test; of the inbox, None
    "confidence",  # probability of the most likely class of the primary head; NaN where nothing was predicted
)


@dataclass(frozen=True)
class Prediction:
    """What the model says of one point; empty where it did not say.

    Attributes:
        heads: head -> its (at most) 3 most likely classes with their probabilities, the most likely first.
        attributes: attribute -> predicted value, in its own unit.
    """

    heads: Mapping[str, Sequence[tuple[str, float]]]
    attributes: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest of each of n things, by the cosine of their embeddings, the nearest first.

    Attributes:
        indices: int32, shape (n, k): positions among the same things; -1 where there are fewer than k.
        similarities: float32, shape (n, k): cosine, -1 to 1; NaN where there is no neighbour.
        reasons: per thing, per neighbour one line such as "shares: jig 0.62, tempo, acousticness"; may be empty.
    """

    indices: NDArray[np.int32]
    similarities: NDArray[np.float32]
    reasons: Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Place:
    """An artist or a genre: where its tracks of the catalogue lie on the whole.

    Attributes:
        kind: what it is.
        name: as the catalogue has it.
        x: map units; the place of the member nearest to the middle of all members.
        y: map units.
        count: number of members.
        members: positions in `Chart.points`, int32.
        indices: the nearest places of the same kind by the mean embedding of their members, nearest first: positions in
            `Chart.places`, int32, shape (k,).
        similarities: cosine to each, float32, shape (k,).
        reasons: one line for each; may be empty.
    """

    kind: Literal["artist", "genre"]
    name: str
    x: float
    y: float
    count: int
    members: NDArray[np.int32]
    indices: NDArray[np.int32]
    similarities: NDArray[np.float32]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Axis:
    """What a direction of the map means, and how well.

    Attributes:
        direction: "horizontal" (low is left) or "vertical" (low is at the bottom).
        low: what the low end sounds like.
        high: what the high end sounds like.
        correlations: descriptor -> Pearson's correlation with the position along this direction.
        r2: share of the variance of the descriptors' composite that the position explains.
        r2_low: lower end of its 95 % interval, by a bootstrap over works.
        r2_high: upper end.
    """

    direction: Literal["horizontal", "vertical"]
    low: str
    high: str
    correlations: Mapping[str, float]
    r2: float
    r2_low: float
    r2_high: float


@dataclass(frozen=True)
class MapModel:
    """Which model's ears the map was made with.

    Attributes:
        name: registered name.
        version: in this registry; None where it is not known.
        content_sha256: identity of the bundle.
    """

    name: str
    version: str | None
    content_sha256: str


@dataclass(frozen=True, eq=False)
class EarlierMap:
    """Where the map of the model before had the same points, for arrows between two versions.

    Attributes:
        model: of that map.
        x: map units, float32, one per point of the chart; NaN where that map had no such point.
        y: likewise.
    """

    model: MapModel
    x: NDArray[np.float32]
    y: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Chart:
    """A map as numbers.

    Attributes:
        points: a row per track of the catalogue, then per file of the inbox; `POINT_COLUMNS`, then `attributes`.
        attributes: the numeric columns of `points` that say how a track sounds, e.g. "tempo_bpm".
        labels: further text columns of the catalogue, such as "ensemble", a row per point.
        primary_head: the head whose certainty is `confidence`.
        provenance: rows of `tables.LABELS`; `track_id` is a `point_id`.
        predictions: one per point.
        neighbours: of the points, among the points.
        places: artists, then genres, each by name.
        axes: horizontal, then vertical.
        quality: metrics of the layout, as in `data/atlas/metrics.json`, where the model stands too: JSON-like.
        model: whose embedding it is.
        previous: the map of the model before, aligned to this one; None where there is none.
    """

    points: pd.DataFrame
    attributes: Sequence[str]
    labels: pd.DataFrame
    primary_head: str
    provenance: pd.DataFrame
    predictions: Sequence[Prediction]
    neighbours: Neighbours
    places: Sequence[Place]
    axes: Sequence[Axis]
    quality: Mapping[str, Any]
    model: MapModel
    previous: EarlierMap | None


def path_to_share(path: str) -> str:
    """Return a path as a map that is sent on may show it: of one from outside of the project, the file's name only."""
    for kind in (PurePosixPath(path), PureWindowsPath(path)):
        if kind.is_absolute():
            return kind.name
    return path
