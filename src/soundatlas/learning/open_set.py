"""Telling a class that was never heard: an artist outside the catalogue must not pass for the nearest one inside.

Two measures are added up, since each fails where the other holds: how sure the model is of its answer, and how near
the track is to the training tracks of the answered class. A classifier is often sure of music like nothing it knows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from soundatlas.learning.labels import MISSING, Scale
from soundatlas.learning.track import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.learning.references import References
    from soundatlas.learning.track import TrackOutput

LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class OpenSet:
    """How an unknown class of one head is told.

    Attributes:
        head: whose classes may be unknown, e.g. `artist`.
        threshold: of the knownness; a track below it is called unknown.
        sureness: of the validation tracks of known classes: the scale of a track's sureness.
        nearness: the same of their nearness; None for a model without references.
        spread: standard deviation of the sum of both, each on its scale.
    """

    head: str
    threshold: float
    sureness: Scale
    nearness: Scale | None
    spread: float

    @classmethod
    def from_contract(cls, contract: dict[str, Any]) -> OpenSet:
        """Read what `contract` returned.

        Raises:
            KeyError: when another version of soundatlas wrote it.
        """
        near = contract["nearness"]
        return cls(
            contract["head"],
            contract["threshold"],
            Scale(**contract["sureness"]),
            None if near is None else Scale(**near),
            contract["spread"],
        )

    def knownness(self, output: TrackOutput, references: References | None) -> float:
        """Return how likely the track is of a class that the model knows, from 0 to 1.

        About the share of known validation tracks that look stranger: 0.5 is a typical track of a known class.

        Args:
            output: what the model says of the track.
            references: the model's; None where it has none.
        """
        total = _standardised(sureness(output, self.head), self.sureness)
        if self.nearness is not None and references is not None:
            total += _standardised(nearness(output, self.head, references), self.nearness)
        return float(ndtr(total / self.spread))

    def contract(self) -> dict[str, Any]:
        """Return JSON-like values, which `from_contract` reads."""
        return asdict(self)


def sureness(output: TrackOutput, head: str) -> float:
    """Return the highest calibrated probability among the head's classes (Hendrycks and Gimpel, arXiv 1610.02136)."""
    return float(softmax(output.logits[head]).max())


def nearness(output: TrackOutput, head: str, references: References) -> float:
    """Return how near the track is to the training tracks of the class that the model takes it for."""
    if output.features is None:
        raise ValueError("the references need the features that the model's linear heads heard")
    return references.nearness(output.features, int(output.logits[head].argmax()))


def fit_open_set(
    outputs: Sequence[TrackOutput],
    truth: NDArray[np.int64],
    head: str,
    *,
    accepted: float,
    references: References | None = None,
) -> OpenSet:
    """Fit scales and threshold on the validation tracks.

    Args:
        outputs: what the model says of each.
        truth: class index of each, `MISSING` where it has none; only tracks of known classes count.
        head: the class head.
        accepted: share of the tracks of known classes that pass.
        references: the model's; None where it has none.
    """
    known = [output for output, actual in zip(outputs, truth, strict=True) if actual != MISSING]
    own = _scale([sureness(output, head) for output in known])
    near = None if references is None else _scale([nearness(output, head, references) for output in known])
    if not known:
        return OpenSet(head, 0.0, own, near, 1.0)
    totals = np.array([_standardised(sureness(output, head), own) for output in known])
    if references is not None and near is not None:
        totals += [_standardised(nearness(output, head, references), near) for output in known]
    unfitted = OpenSet(head, 0.0, own, near, max(float(totals.std()), LEAST_SPREAD))
    scores = [unfitted.knownness(output, references) for output in known]
    return OpenSet(head, float(np.quantile(scores, 1 - accepted)), own, near, unfitted.spread)


def _scale(values: list[float]) -> Scale:
    return Scale(float(np.mean(values)), max(float(np.std(values)), LEAST_SPREAD)) if values else Scale(0.0, 1.0)


def _standardised(value: float, scale: Scale) -> float:
    return (value - scale.mean) / scale.std
