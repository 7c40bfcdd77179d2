"""From what a model's parts say of a track to what the model says: calibrated, averaged, with one embedding.

A model has up to three parts: "network", trained from scratch; "statistics", linear heads over numbers that need no
training; and "backbone", linear heads over the features of a network that others trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

from soundatlas.learning.calibration import fit_temperature
from soundatlas.learning.retrieval import normalised
from soundatlas.learning.track import TrackOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.learning.linear_heads import LinearHeads

NETWORK, STATISTICS, BACKBONE = "network", "statistics", "backbone"
BLEND = "blend"
Calibration = dict[str, dict[str, float]]  # part, or "blend" -> head -> temperature


def blend(parts: dict[str, TrackOutput], calibration: Calibration) -> TrackOutput:
    """Return what the model says of one track.

    Each part's logits are divided by its temperature, their log-probabilities averaged (a geometric mean of
    probabilities: late fusion), and divided by the blend's temperature. Attributes are averaged. The embedding is the
    parts' embeddings side by side, each of length 1, scaled to length 1 together, so that cosines average too.

    Args:
        parts: part -> its output; embeddings of any length.
        calibration: from `calibrate`.

    Returns:
        logits whose softmax are the probabilities, standardised values, and a float32 embedding of length 1.
    """
    outputs = list(parts.values())
    logits = {}
    for head in outputs[0].logits:
        mean = np.mean([_scaled(output, head, calibration[part]) for part, output in parts.items()], axis=0)
        logits[head] = (mean / calibration[BLEND][head]).astype(np.float32)
    values = {name: float(np.mean([output.values[name] for output in outputs])) for name in outputs[0].values}
    vector = np.concatenate([normalised(output.embedding) for output in outputs]) / np.sqrt(len(outputs))
    return TrackOutput(logits, values, vector.astype(np.float32))


def _scaled(output: TrackOutput, head: str, temperatures: dict[str, float]) -> NDArray[np.float64]:
    return np.asarray(log_softmax(output.logits[head].astype(np.float64) / temperatures[head]))


def linear_output(linear: LinearHeads, features: NDArray[np.float32]) -> TrackOutput:
    """Return what the linear heads say of one track's features, float32 of shape (features,)."""
    logits, values = linear.predict(features[None])
    return TrackOutput(
        {head: row[0] for head, row in logits.items()},
        {name: float(row[0]) for name, row in values.items()},
        linear.embed(features[None])[0],
    )


def calibrate(tracks: Sequence[dict[str, TrackOutput]], truth: dict[str, NDArray[np.int64]]) -> Calibration:
    """Fit the temperatures on the validation tracks: of each part by itself, then of their blend.

    Args:
        tracks: per validation track, part -> output.
        truth: head -> class index per track, `MISSING` where there is none.
    """
    parts = list(tracks[0])
    ones = dict.fromkeys(truth, 1.0)
    calibration: Calibration = {part: dict(ones) for part in parts} | {BLEND: dict(ones)}
    if len(parts) > 1:  # a single part's temperature is the blend's
        for part in parts:
            for head, actual in truth.items():
                logits = np.stack([track[part].logits[head] for track in tracks])
                calibration[part][head] = fit_temperature(logits, actual)
    blended = [blend(track, calibration) for track in tracks]
    for head, actual in truth.items():
        calibration[BLEND][head] = fit_temperature(np.stack([output.logits[head] for output in blended]), actual)
    return calibration
