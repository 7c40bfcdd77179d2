"""musicnn with weights drawn at random: a checkpoint as the package ships it, and the network in plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Values = dict[str, NDArray[np.float32]]

KERNELS = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}
NORMALISED = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)


def draw_weights(seed: int) -> Values:
    """Draw weights of all layers, under the names that the checkpoints give them."""
    generator = np.random.default_rng(seed)
    values = {}
    for name, shape in KERNELS.items():
        fan_in = int(np.prod(shape[:-1]))
        values[f"{name}/kernel"] = generator.normal(0, fan_in**-0.5, shape)
        values[f"{name}/bias"] = generator.normal(0, 0.1, shape[-1])
    for number, size in enumerate(NORMALISED):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        values[f"{name}/gamma"] = generator.uniform(0.5, 1.5, size)
        values[f"{name}/beta"] = generator.normal(0, 0.1, size)
        values[f"{name}/moving_mean"] = generator.normal(0, 0.1, size)
        values[f"{name}/moving_variance"] = generator.uniform(0.5, 1.5, size)
    return {name: value.astype(np.float32) for name, value in values.items()}


def write_checkpoint(prefix: Path, values: Values) -> None:
    """Write a TensorFlow 1 checkpoint, with a slot of the optimiser as the real ones have."""
    import tensorflow as tf

    everything = values | {"dense/kernel/Adam": values["dense/kernel"] * 0}
    names = sorted(everything)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(everything[name]) for name in names],
    )


def reference(values: Values, decibels: NDArray[np.float32]) -> Values:
    """Compute one window of dB, shape (187, 96), without any deep-learning package."""
    x = np.log10(10_000 * 10 ** (decibels.astype(np.float64) / 10) + 1).astype(np.float32)[:, :, None]
    x = _normalise(x, values, 0)[:, :, 0]
    bands = []
    for number, (frames, height) in enumerate([(7, 38), (7, 67), (128, 1), (64, 1), (32, 1)]):
        before = (frames - 1) // 2
        padded = np.pad(x, ((before, frames - 1 - before), (0, 0)))
        patches = sliding_window_view(padded, (frames, height)).reshape(187, 97 - height, -1)
        bands.append(_normalise(_convolve(patches, values, number), values, number + 1).max(axis=1))
    front = np.concatenate(bands, axis=1)

    features, x = [front], front
    for number in (5, 6, 7):
        patches = sliding_window_view(np.pad(x, ((3, 3), (0, 0))), 7, axis=0).swapaxes(1, 2).reshape(187, -1)
        y = _normalise(_convolve(patches, values, number), values, number + 1)
        x = y if number == 5 else y + x
        features.append(x)
    x = np.concatenate(features, axis=1)

    interleaved = np.stack([x.max(axis=0), x.mean(axis=0)], axis=1).ravel()
    hidden = _normalise(interleaved, values, 9) @ values["dense/kernel"] + values["dense/bias"]
    penultimate = _normalise(np.maximum(hidden, 0), values, 10)
    logits = penultimate @ values["dense_1/kernel"] + values["dense_1/bias"]
    return {
        "pooled": np.concatenate([x.mean(axis=0), x.max(axis=0)]),
        "penultimate": penultimate,
        "tags": 1 / (1 + np.exp(-logits)),
    }


def _convolve(patches: NDArray[np.float32], values: Values, number: int) -> NDArray[np.float32]:
    name = f"conv2d_{number}" if number else "conv2d"
    kernel = values[f"{name}/kernel"]
    return np.maximum(patches @ kernel.reshape(-1, kernel.shape[-1]) + values[f"{name}/bias"], 0)


def _normalise(x: NDArray[np.float32], values: Values, number: int) -> NDArray[np.float32]:
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    gamma, beta, mean, variance = (
        values[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return (x - mean) / np.sqrt(variance + np.float32(1e-3)) * gamma + beta
