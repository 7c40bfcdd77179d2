"""Why two things lie close, in words: what the model hears in both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundatlas.atlas.chart import Prediction

LEAST_SHARED = 0.2  # probability of a class that both must have
CLOSE = 0.25  # of an attribute's standard deviation
MOST_ATTRIBUTES = 3
UNITS = re.compile(r"_(bpm|hz|db|seconds)$")


@dataclass(frozen=True, eq=False)
class Traits:
    """What the model hears in each thing.

    Attributes:
        classes: names of the primary head's classes.
        probabilities: of them, shape (things, classes); NaN where nothing was predicted.
        attributes: names of the attributes, without units.
        values: standardised, shape (things, attributes); NaN where nothing was predicted.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    attributes: tuple[str, ...]
    values: NDArray[np.float32]

    def of_groups(self, groups: Sequence[NDArray[np.int32]]) -> Traits:
        """Return the traits of groups of things: the means of their members'."""
        probabilities = np.stack([self.probabilities[members].mean(axis=0) for members in groups])
        values = np.stack([self.values[members].mean(axis=0) for members in groups])
        return Traits(self.classes, probabilities, self.attributes, values)


def traits_of(
    probabilities: Sequence[Mapping[str, float]], predictions: Sequence[Prediction], attributes: Sequence[str]
) -> Traits:
    """Return the traits of tracks.

    Args:
        probabilities: per track, class of the primary head -> probability; empty where nothing was predicted.
        predictions: per track.
        attributes: that are predicted.
    """
    classes = tuple(sorted({name for row in probabilities for name in row}))
    shares = np.array([[row.get(name, np.nan) for name in classes] for row in probabilities], np.float32)
    raw = np.array([[row.attributes.get(name, np.nan) for name in attributes] for row in predictions], np.float64)
    known = np.isfinite(raw).all(axis=1) if raw.size else np.zeros(len(raw), bool)
    spread = raw[known].std(axis=0) if known.any() else np.ones(len(attributes))
    middle = raw[known].mean(axis=0) if known.any() else np.zeros(len(attributes))
    values = ((raw - middle) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return Traits(
        classes,
        shares.reshape(len(probabilities), len(classes)),
        tuple(attribute_name(name) for name in attributes),
        values.reshape(len(predictions), len(attributes)),
    )


def attribute_name(column: str) -> str:
    """Return what to call a column: "tempo" for "tempo_bpm"."""
    return UNITS.sub("", column).replace("_", " ")


def give_reasons(traits: Traits, indices: NDArray[np.int32]) -> list[list[str]]:
    """Return why each thing lies close to its neighbours.

    Named are the class that both most likely are, with the lower of the two probabilities, when that is 0.2 or more;
    and the attributes, three at most, in which both are closer than a quarter of the standard deviation.

    Args:
        traits: of all things.
        indices: positions of each thing's neighbours, shape (things, k), -1 for none.

    Returns:
        per thing and neighbour a line such as "shares: jig 0.62, tempo", empty where nothing is shared.
    """
    return [[_reason(traits, thing, int(other)) for other in row] for thing, row in enumerate(indices)]


def _reason(traits: Traits, thing: int, other: int) -> str:
    if other < 0:
        return ""
    shared = []
    if traits.classes:
        both = np.minimum(traits.probabilities[thing], traits.probabilities[other])
        best = int(both.argmax())
        if both[best] >= LEAST_SHARED:
            shared.append(f"{traits.classes[best]} {both[best]:.2f}")
    apart = np.abs(traits.values[thing] - traits.values[other])
    close = [position for position in np.argsort(apart, kind="stable") if apart[position] < CLOSE]
    shared += [traits.attributes[position] for position in close[:MOST_ATTRIBUTES]]
    return f"shares: {', '.join(shared)}" if shared else ""
