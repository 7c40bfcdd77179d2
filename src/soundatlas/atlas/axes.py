"""What the directions of the map mean: turning it so that they fit what is heard, and measuring how well they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import rankdata

from soundatlas.atlas.chart import Axis
from soundatlas.learning.score import interval, resamples

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES, MANY, RESAMPLES_OF_MANY = 1000, 10_000, 100  # with so many tracks, few samples give the same interval
DEGREES = 360
LEAST_KNOWN = 3  # tracks: a line through two fits always


@dataclass(frozen=True)
class Meaning:
    """What a direction shall mean.

    Attributes:
        direction: of the map.
        low: what its low end sounds like.
        high: what its high end sounds like.
        descriptors: of `audio.descriptors`, with the sign by which each counts.
    """

    direction: Literal["horizontal", "vertical"]
    low: str
    high: str
    descriptors: Mapping[str, int]


# The directions of everynoise.com; which of our descriptors stand for them was chosen by what the words say, among a
# few candidates on the built-in catalogue.
MEANINGS = (
    Meaning(
        "horizontal",
        "dense, atmospheric",
        "spiky, bouncy",
        {"onset_rate": 1, "spectral_change": 1, "density": -1},
    ),
    Meaning(
        "vertical",
        "organic",
        "mechanical, electric",
        {"percussive_share": 1, "spectral_flatness": 1, "pulse_clarity": 1},
    ),
)


def composites(descriptors: pd.DataFrame) -> NDArray[np.float64]:
    """Return how far each track lies along each meaning: the mean of its descriptors' ranks, standardised.

    Ranks, since descriptors have long tails and different units.

    Args:
        descriptors: a row per track, a column per descriptor; NaN where a track has none.

    Returns:
        shape (tracks, 2): horizontal, vertical; NaN where a track has none, 0 where all tracks are alike.
    """
    known = descriptors.notna().all(axis=1).to_numpy()
    found = np.full((len(descriptors), len(MEANINGS)), np.nan)
    if not known.any():
        return found
    heard = descriptors.iloc[np.flatnonzero(known)]
    for column, meaning in enumerate(MEANINGS):
        ranks = [sign * _standardised(rankdata(heard[name])) for name, sign in meaning.descriptors.items()]
        found[known, column] = _standardised(np.mean(ranks, axis=0))
    return found


def turned(positions: NDArray[np.floating], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a map about its middle, and reflect it where that helps, so that its directions fit best.

    Args:
        positions: shape (tracks, 2).
        wanted: from `composites`.

    Returns:
        shape (tracks, 2): of whole degrees and their reflections, the turn with the highest sum of both correlations.
    """
    known = np.isfinite(wanted).all(axis=1)
    if known.sum() < LEAST_KNOWN:
        return np.asarray(positions, np.float64)
    turns = [_turn(degree, mirror) for mirror in (1.0, -1.0) for degree in range(DEGREES)]
    fits = [
        sum(_correlation(moved[:, axis], wanted[known, axis]) for axis in range(2))
        for moved in (positions[known] @ turn for turn in turns)
    ]
    return np.asarray(positions @ turns[int(np.argmax(fits))], np.float64)


def measure_axes(
    positions: NDArray[np.floating], descriptors: pd.DataFrame, groups: NDArray[np.object_]
) -> tuple[Axis, ...]:
    """Return how well the map's directions fit, horizontal first; a direction that runs the wrong way explains nothing.

    Args:
        positions: shape (tracks, 2).
        descriptors: a row per track, a column per descriptor; NaN where a track has none.
        groups: the work of each track, for the interval.
    """
    wanted = composites(descriptors)
    known = np.isfinite(wanted).all(axis=1)
    count = int(known.sum())
    samples = resamples(groups[known], RESAMPLES if count <= MANY else RESAMPLES_OF_MANY) if count else []
    return tuple(
        _axis(
            meaning, positions[known, column], wanted[known, column], descriptors.iloc[np.flatnonzero(known)], samples
        )
        for column, meaning in enumerate(MEANINGS)
    )


def _axis(
    meaning: Meaning,
    places: NDArray[np.floating],
    wanted: NDArray[np.float64],
    descriptors: pd.DataFrame,
    samples: list[NDArray[np.int64]],
) -> Axis:
    if len(places) < LEAST_KNOWN:
        return Axis(
            meaning.direction, meaning.low, meaning.high, dict.fromkeys(meaning.descriptors, 0.0), 0.0, 0.0, 0.0
        )

    def explained(rows: NDArray[np.int64]) -> float:
        return max(0.0, _correlation(places[rows], wanted[rows])) ** 2

    correlations = {name: _correlation(places, rankdata(descriptors[name])) for name in meaning.descriptors}
    score = interval(explained, samples, len(places), CONFIDENCE)
    return Axis(meaning.direction, meaning.low, meaning.high, correlations, score.value, score.low, score.high)


def _turn(degree: int, mirror: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degree)
    return np.array([[np.cos(angle), -mirror * np.sin(angle)], [np.sin(angle), mirror * np.cos(angle)]])


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return Pearson's correlation; 0 where one of the two is constant."""
    return float(np.mean(_standardised(one) * _standardised(other)))


def _standardised(values: NDArray[np.floating]) -> NDArray[np.float64]:
    moved = np.asarray(values, np.float64) - np.mean(values, dtype=np.float64)
    spread = float(moved.std())
    return moved / spread if spread > 0 else moved
