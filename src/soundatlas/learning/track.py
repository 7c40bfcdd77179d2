"""From windows to a track: whatever runs the network, a track is the mean over its windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from soundatlas.learning.labels import LabelSpace

EMBEDDING = "embedding"

# Windows, float32 of shape (windows, window_frames, n_mels) in dB, to the network's outputs by name: float32 of shape
# (windows, classes) per head, (windows, 1) per attribute, (windows, embedding) for the embedding.
Run = Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class TrackOutput:
    """What the network says of a whole track: the mean over its windows.

    Attributes:
        logits: head -> shape (classes,).
        values: attribute -> standardised value.
        embedding: shape (embedding,).
        features: of the track, which linear heads heard, shape (features,); None where there are no such heads.
    """

    logits: dict[str, NDArray[np.float32]]
    values: dict[str, float]
    embedding: NDArray[np.float32]
    features: NDArray[np.float32] | None = None


def predict_track(run: Run, space: LabelSpace, windows: NDArray[np.float32]) -> TrackOutput:
    """Average the outputs over one track's windows, so that no track's result depends on another's.

    Args:
        run: the network.
        space: names its outputs.
        windows: float32, shape (windows, window_frames, n_mels), dB.
    """
    means = {name: values.mean(axis=0, dtype=np.float64).astype(np.float32) for name, values in run(windows).items()}
    return TrackOutput(
        {head: means[head] for head in space.classes},
        {name: float(means[name][0]) for name in space.attributes},
        means[EMBEDDING],
    )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities of logits, over the last axis."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
