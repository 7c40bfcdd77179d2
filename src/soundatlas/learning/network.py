"""The network: a compact strided residual CNN over log-mel windows, with one head per label.

Only stock Keras layers, so that the saved architecture loads without any code of ours.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from soundatlas.learning.track import EMBEDDING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.learning.track import Run

ARCHITECTURE_NAME = "architecture.json"
WEIGHTS_NAME = "network.weights.h5"
OUTER = "float32"  # of what touches decibels, logits and values, whatever the precision within
MOMENTUM = 0.95  # of the batch statistics: Keras' 0.99 still remembers the untrained network after an epoch of ours


def build_network(
    *,
    window_frames: int,
    n_mels: int,
    space: LabelSpace,
    channels: Sequence[int],
    embedding: int,
    dropout: float,
    mean_db: float,
    std_db: float,
    stems: int = 0,
) -> keras.Model:
    """Build the network, untrained.

    log-mel (window_frames, n_mels) in dB -> standardised by `mean_db`, `std_db`, then each band by itself -> 5x5 stem
    and one residual stage per entry of `channels`, each halving time and frequency -> mean and max over what is left
    -> `embedding` units -> one linear head per class label (logits) and per attribute (standardised value).
    Layers take Keras' global precision, save for the first one, the embedding and the heads, which are float32.

    With stems the input is (window_frames, n_mels, 1 + stems), and each band of each channel is standardised by itself.

    Returns:
        A model whose outputs are a dict: head -> (windows, classes), attribute -> (windows, 1), and
        "embedding" -> (windows, embedding).
    """
    layers = keras.layers
    inputs = keras.Input((window_frames, n_mels, *((1 + stems,) if stems else ())), name="log_mel")
    x = layers.Rescaling(1.0 / std_db, offset=-mean_db / std_db, dtype=OUTER)(inputs)
    if stems:
        x = layers.Reshape((window_frames, n_mels * (1 + stems)), dtype=OUTER)(x)
    x = layers.BatchNormalization(momentum=MOMENTUM)(x)  # per band: without it, the loud low bands rule the first steps
    x = layers.Reshape((window_frames, n_mels, 1 + stems))(x)
    x = layers.Conv2D(channels[0], 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for filters in channels:
        x = _residual_stage(x, filters)
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    vector = layers.Dense(embedding, name=EMBEDDING, dtype=OUTER)(pooled)
    hidden = layers.Dropout(dropout)(layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(vector)))
    outputs = {head: layers.Dense(len(names), name=head, dtype=OUTER)(hidden) for head, names in space.classes.items()}
    outputs |= {name: layers.Dense(1, name=name, dtype=OUTER)(hidden) for name in space.attributes}
    return keras.Model(inputs, {**outputs, EMBEDDING: vector}, name="soundatlas")


def _residual_stage(x: Any, filters: int) -> Any:
    """Halve time and frequency: two 3x3 convolutions beside a strided 1x1 shortcut (He et al., arXiv 1512.03385)."""
    layers = keras.layers
    shortcut = layers.Conv2D(filters, 1, strides=2, use_bias=False)(x)
    shortcut = layers.BatchNormalization(momentum=MOMENTUM)(shortcut)
    y = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization(momentum=MOMENTUM)(y)
    return layers.ReLU()(layers.Add()([shortcut, y]))


def save_network(network: keras.Model, folder: Path) -> None:
    """Write architecture and weights; equal networks give equal bytes, which a `.keras` archive does not."""
    (folder / ARCHITECTURE_NAME).write_text(
        json.dumps(json.loads(network.to_json()), indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    network.save_weights(folder / WEIGHTS_NAME)


def load_network(folder: Path) -> keras.Model:
    """Load what `save_network` wrote. Keras' safe mode stays on: the architecture may hold no code."""
    network = keras.models.model_from_json((folder / ARCHITECTURE_NAME).read_text(encoding="utf-8"))
    network.load_weights(folder / WEIGHTS_NAME)
    return network


def run_network(network: keras.Model) -> Run:
    """Return the network as a function of windows, as `track.Run` says; dropout is off."""

    def run(windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {name: np.asarray(values) for name, values in network(windows, training=False).items()}

    return run
