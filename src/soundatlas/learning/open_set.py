"""Telling a class that was never heard: an artist outside the catalogue must not pass for the nearest one inside."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.learning.labels import MISSING
from soundatlas.learning.track import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.learning.track import TrackOutput


@dataclass(frozen=True)
class OpenSet:
    """How an unknown class of one head is told.

    Attributes:
        head: whose classes may be unknown, e.g. `artist`.
        threshold: of the knownness; a track below it is called unknown.
    """

    head: str
    threshold: float

    def knownness(self, output: TrackOutput) -> float:
        """Return how sure the model is that the track is of a class that it knows, from 0 to 1."""
        return knownness(output, self.head)

    def is_known(self, output: TrackOutput) -> bool:
        """Whether the track passes for one of a known class."""
        return self.knownness(output) >= self.threshold

    def contract(self) -> dict[str, Any]:
        """Return JSON-like values; `OpenSet(**values)` reads them."""
        return asdict(self)


def knownness(output: TrackOutput, head: str) -> float:
    """Return the highest calibrated probability among the head's classes (Hendrycks and Gimpel, arXiv 1610.02136)."""
    return float(softmax(output.logits[head]).max())


def fit_open_set(outputs: Sequence[TrackOutput], truth: NDArray[np.int64], head: str, *, accepted: float) -> OpenSet:
    """Choose the threshold on the validation tracks.

    Args:
        outputs: what the model says of each.
        truth: class index of each, `MISSING` where it has none; only tracks of known classes count.
        head: the class head.
        accepted: share of the tracks of known classes that pass.
    """
    scores = [knownness(output, head) for output, actual in zip(outputs, truth, strict=True) if actual != MISSING]
    return OpenSet(head, float(np.quantile(scores, 1 - accepted)) if scores else 0.0)
