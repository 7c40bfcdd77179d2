"""musicnn, a convolutional network that others trained on music tags, rebuilt from its checkpoint with stock layers.

Architecture after Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging"
(arXiv 1909.06654): a front end of timbral filters (tall in frequency) and temporal filters (long in time), three
densely connected convolutions over time, mean and max over time, and a dense layer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from soundatlas.errors import BackboneUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WINDOW_FRAMES = 187  # 3 s at 16 kHz with a hop of 256 samples, as it was trained
N_MELS = 96
TAGS = 50
PENULTIMATE = 200
COMPRESSION = 10_000.0  # it hears log10(10000 p + 1) of the mel power p
EPSILON = 1e-3  # of its batch normalisation, TensorFlow 1's default

TIMBRAL = {"timbral_low": (7, 38), "timbral_high": (7, 67)}  # frames x bands: 0.4 and 0.7 of the 96 bands
TIMBRAL_FILTERS = 204
TEMPORAL = {"temporal_128": (128, 1), "temporal_64": (64, 1), "temporal_32": (32, 1)}
TEMPORAL_FILTERS = 51
MIDDLE = ("middle_1", "middle_2", "middle_3")
MIDDLE_FILTERS, MIDDLE_FRAMES = 64, 7

# The front end's channels and the three convolutions', side by side: 753.
CHANNELS = len(TIMBRAL) * TIMBRAL_FILTERS + len(TEMPORAL) * TEMPORAL_FILTERS + len(MIDDLE) * MIDDLE_FILTERS
POOLED = 2 * CHANNELS

# Layers in the order in which the checkpoint numbers them: `conv2d`, `conv2d_1`, ...
CONVOLUTIONS = (*TIMBRAL, *TEMPORAL, *MIDDLE)
NORMALISATIONS = ("levels", *(f"{name}_norm" for name in CONVOLUTIONS), "pooled_norm", "penultimate")
DENSE = ("dense", "tags")


def build_musicnn(prefix: Path, name: str = "musicnn") -> keras.Model:
    """Rebuild the network of a checkpoint, frozen.

    Args:
        prefix: of the TensorFlow 1 checkpoint: `<prefix>.index` and `<prefix>.data-00000-of-00001`.
        name: of the model.

    Returns:
        a model from log-mel windows in dB, float32 of shape (windows, 187, 96), of the front end that
        `backbone_front_end` describes, to `pooled` (windows, 1506): the mean over time of 753 channels, then their
        maximum; `penultimate` (windows, 200); and `tags` (windows, 50), probabilities. It consists of stock layers,
        so that its architecture loads in Keras' safe mode.

    Raises:
        BackboneUnavailableError: when the checkpoint cannot be read or is another network's.
    """
    model = _architecture(name)
    values = _read(prefix)
    try:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(_weights_of(layer.name, values))
    except (KeyError, ValueError) as error:
        raise BackboneUnavailableError(
            f"{prefix.name} holds no musicnn ({error}): set train.backbone to none"
        ) from None
    model.trainable = False
    return model


def _architecture(name: str) -> keras.Model:
    layers = keras.layers
    inputs = keras.Input((WINDOW_FRAMES, N_MELS), name="log_mel_db")
    x = layers.Reshape((WINDOW_FRAMES, N_MELS, 1), name="image")(_compressed(inputs))
    x = _norm("levels")(x)
    padded = layers.ZeroPadding2D(((3, 3), (0, 0)), name="padded")(x)
    bands = [_band(padded, name, size, TIMBRAL_FILTERS, "valid") for name, size in TIMBRAL.items()]
    bands += [_band(x, name, size, TEMPORAL_FILTERS, "same") for name, size in TEMPORAL.items()]
    front = layers.Concatenate(name="front")(bands)

    features, x = [front], front
    for number, layer in enumerate(MIDDLE):
        y = layers.Conv1D(MIDDLE_FILTERS, MIDDLE_FRAMES, padding="same", activation="relu", name=layer)(x)
        y = _norm(f"{layer}_norm")(y)
        x = layers.Add(name=f"{layer}_sum")([y, x]) if number else y
        features.append(x)
    x = layers.Concatenate(name="features")(features)

    mean, maximum = layers.GlobalAveragePooling1D(name="mean")(x), layers.GlobalMaxPooling1D(name="max")(x)
    pooled = layers.Concatenate(name="pooled")([mean, maximum])
    hidden = layers.Dense(PENULTIMATE, activation="relu", name="dense")(_norm("pooled_norm")(pooled))
    penultimate = _norm("penultimate")(hidden)
    tags = layers.Dense(TAGS, activation="sigmoid", name="tags")(penultimate)
    return keras.Model(inputs, {"pooled": pooled, "penultimate": penultimate, "tags": tags}, name=name)


def _compressed(decibels: Any) -> Any:
    """Turn dB into log10(10000 p + 1), p = 10^(dB / 10), which is softplus(ln 10000 + dB ln 10 / 10) / ln 10.

    As a softplus it neither overflows nor loses the quiet cells, and needs no code of ours in the saved model. Our
    floor of -100 dB becomes 4e-7, where musicnn heard 0.
    """
    ten = math.log(10.0)
    layers = keras.layers
    x = layers.Rescaling(ten / 10, offset=math.log(COMPRESSION), name="log_power")(decibels)
    x = layers.Activation("softplus", name="softplus")(x)
    return layers.Rescaling(1 / ten, name="compressed")(x)


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(epsilon=EPSILON, name=name)


def _band(x: Any, name: str, size: tuple[int, int], filters: int, padding: str) -> Any:
    """Convolve, normalise, and keep the loudest frequency: (windows, frames, filters)."""
    layers = keras.layers
    x = layers.Conv2D(filters, size, padding=padding, activation="relu", name=name)(x)
    x = _norm(f"{name}_norm")(x)
    x = layers.MaxPooling2D((1, int(x.shape[2])), name=f"{name}_max")(x)
    return layers.Reshape((WINDOW_FRAMES, filters), name=f"{name}_flat")(x)


def _read(prefix: Path) -> dict[str, NDArray[np.float32]]:
    """Read all weights of a checkpoint, without its optimiser's."""
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        names = [name for name in reader.get_variable_to_shape_map() if "/Adam" not in name]
        return {name: reader.get_tensor(name) for name in names}
    except (ValueError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise BackboneUnavailableError(f"{prefix.name} cannot be read ({reason}): set train.backbone to none") from None


def _weights_of(layer: str, values: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return a layer's weights as Keras orders them.

    The checkpoint's pooled vector interleaves: maximum and mean of the first channel, of the second, and so on. Ours
    is all means, then all maxima, and what follows it is reordered alike.
    """
    order = np.concatenate([np.arange(1, POOLED, 2), np.arange(0, POOLED, 2)])
    if layer in NORMALISATIONS:
        scope = _numbered("batch_normalization", NORMALISATIONS.index(layer))
        weights = [values[f"{scope}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        return [weight[order] for weight in weights] if layer == "pooled_norm" else weights
    if layer in DENSE:
        scope = _numbered("dense", DENSE.index(layer))
        kernel = values[f"{scope}/kernel"]
        return [kernel[order] if layer == "dense" else kernel, values[f"{scope}/bias"]]
    scope = _numbered("conv2d", CONVOLUTIONS.index(layer))
    kernel = values[f"{scope}/kernel"]
    return [np.squeeze(kernel, axis=2) if layer in MIDDLE else kernel, values[f"{scope}/bias"]]


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind
