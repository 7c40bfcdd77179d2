"""From what a model's parts say of a track to what the model says: calibrated, weighted, with one embedding.

A model has up to three parts: "network", trained from scratch; "statistics", linear heads over numbers that need no
training; and "backbone", linear heads over the features of a network that others trained.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import nnls

from soundatlas.learning.calibration import fit_factors, fit_temperature
from soundatlas.learning.retrieval import normalised
from soundatlas.learning.track import TrackOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.learning.linear_heads import LinearHeads

SUM_WEIGHT = 1e4  # of the equation by which shares sum to 1: it rules whatever the number of tracks
NETWORK, STATISTICS, BACKBONE = "network", "statistics", "backbone"
LINEAR_PARTS = (STATISTICS, BACKBONE)  # the first one's features are those that an open set compares


@dataclass(frozen=True)
class Calibration:
    """How much each part's word counts.

    Attributes:
        factors: part -> head or attribute -> what its logits, or its standardised value, are multiplied by.
        temperatures: part -> head -> what its logits are divided by where it speaks alone.
    """

    factors: dict[str, dict[str, float]]
    temperatures: dict[str, dict[str, float]]

    def contract(self) -> dict[str, Any]:
        """Return JSON-like values; `Calibration(**values)` reads them."""
        return asdict(self)


def blend(parts: dict[str, TrackOutput], calibration: Calibration) -> TrackOutput:
    """Return what the model says of one track.

    Each part's logits are multiplied by its factor and added up, which multiplies the parts' probabilities, each
    raised to a power (late fusion); attributes likewise. The embedding is the parts' embeddings side by side, each of
    length 1, scaled to length 1 together, so that cosines average.

    Args:
        parts: part -> its output; embeddings of any length.
        calibration: from `calibrate`.

    Returns:
        logits whose softmax are the probabilities, standardised values, a float32 embedding of length 1, and the
        features of the first linear part.
    """
    outputs = list(parts.values())
    weighted = [(calibration.factors[part], output) for part, output in parts.items()]
    logits = {
        head: np.asarray(sum(factors[head] * output.logits[head] for factors, output in weighted), np.float32)
        for head in outputs[0].logits
    }
    values = {
        name: float(sum(factors[name] * output.values[name] for factors, output in weighted))
        for name in outputs[0].values
    }
    vector = np.concatenate([normalised(output.embedding) for output in outputs]) / np.sqrt(len(outputs))
    features = next((parts[part].features for part in LINEAR_PARTS if part in parts), None)
    return TrackOutput(logits, values, vector.astype(np.float32), features)


def linear_output(linear: LinearHeads, features: NDArray[np.float32]) -> TrackOutput:
    """Return what the linear heads say of one track's features, float32 of shape (features,)."""
    logits, values = linear.predict(features[None])
    return TrackOutput(
        {head: row[0] for head, row in logits.items()},
        {name: float(row[0]) for name, row in values.items()},
        linear.embed(features[None])[0],
        features,
    )


def calibrate(
    tracks: Sequence[dict[str, TrackOutput]],
    truth: dict[str, NDArray[np.int64]],
    wanted: dict[str, NDArray[np.float32]],
) -> Calibration:
    """Fit factors and temperatures on the validation tracks.

    An attribute's factors are shares that give the least squared error (non-negative and summing to 1: stacking after
    Breiman, Machine Learning 24, 1996): what is between the parts' answers cannot be further off than both.

    Args:
        tracks: per validation track, part -> output.
        truth: head -> class index per track, `MISSING` where there is none.
        wanted: attribute -> standardised value per track, NaN where there is none.
    """
    parts = list(tracks[0])
    factors: dict[str, dict[str, float]] = {part: {} for part in parts}
    temperatures: dict[str, dict[str, float]] = {part: {} for part in parts}
    for head, actual in truth.items():
        logits = [np.stack([track[part].logits[head] for track in tracks]) for part in parts]
        for part, own, factor in zip(parts, logits, fit_factors(logits, actual), strict=True):
            factors[part][head] = factor
            temperatures[part][head] = fit_temperature(own, actual)
    for name, values in wanted.items():
        said = np.array([[track[part].values[name] for part in parts] for track in tracks], dtype=np.float64)
        for part, factor in zip(parts, _attribute_factors(said, values), strict=True):
            factors[part][name] = factor
    return Calibration(factors, temperatures)


def _attribute_factors(said: NDArray[np.float64], wanted: NDArray[np.float32]) -> list[float]:
    """Return the parts' shares of one attribute; equal ones where no track has a value."""
    known = np.isfinite(wanted)
    if not known.any():
        return [1 / said.shape[1]] * said.shape[1]
    together = np.full((1, said.shape[1]), SUM_WEIGHT)  # one more equation: the shares sum to 1
    equations, results = np.vstack([said[known], together]), np.append(wanted[known].astype(np.float64), SUM_WEIGHT)
    found, _ = nnls(equations, results)
    return [float(share) for share in found / found.sum()]
