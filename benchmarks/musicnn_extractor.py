"""musicnn 0.1.0's own extractor with its session kept: its graph built once, then clip after clip.

python -m benchmarks.musicnn_extractor WHEEL_FOLDER CLIP...    then, per line on stdin, one pass and its seconds

The wheel's own code reads, cuts and defines the network. It was written for TensorFlow 1's layers, which TensorFlow 2
with Keras 3 has no more; the few that it uses stand below, for inference alone.
Its float16 spectrograms overflow on loud clips and its tags are then NaN, which costs no time.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.passes import serve_passes
from soundatlas.environment import quieten

quieten()

import tensorflow as tf  # noqa: E402 - TensorFlow reads the environment when it is imported

v1 = tf.compat.v1
MODEL = "MSD_musicnn"
WINDOW_SECONDS = 3
EPSILON = 1e-3  # of TensorFlow 1's batch normalisation
numbers: Counter[str] = Counter()


def _scope(kind: str) -> str:
    """Name layers as TensorFlow 1 did, since the checkpoint goes by the names: conv2d, then conv2d_1."""
    number = numbers[kind]
    numbers[kind] += 1
    return f"{kind}_{number}" if number else kind


def _conv2d(inputs: Any, filters: int, kernel_size: list[int], padding: str, activation: Any) -> Any:
    with v1.variable_scope(_scope("conv2d")):
        kernel = v1.get_variable("kernel", [*kernel_size, inputs.shape[3], filters])
        bias = v1.get_variable("bias", [filters])
    return activation(tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, 1, padding.upper()), bias))


def _batch_normalization(inputs: Any, training: Any) -> Any:  # noqa: ARG001 - the wheel's call; it is never trained here
    with v1.variable_scope(_scope("batch_normalization")):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = (v1.get_variable(name, [inputs.shape[-1]]) for name in names)
    if len(inputs.shape) == 4:  # noqa: PLR2004 - pictures, for which TensorFlow has a fused kernel
        return v1.nn.fused_batch_norm(inputs, gamma, beta, mean, variance, EPSILON, is_training=False)[0]
    return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, EPSILON)


def _dense(inputs: Any, units: int, activation: Any) -> Any:
    with v1.variable_scope(_scope("dense")):
        kernel, bias = v1.get_variable("kernel", [inputs.shape[1], units]), v1.get_variable("bias", [units])
    values = tf.matmul(inputs, kernel) + bias
    return values if activation is None else activation(values)


def _max_pooling2d(inputs: Any, pool_size: list[int], strides: list[int]) -> Any:
    return tf.nn.max_pool2d(inputs, pool_size, strides, "VALID")


def _flatten(inputs: Any) -> Any:
    return tf.reshape(inputs, [-1, inputs.shape[1] * inputs.shape[2]])


def _dropout(inputs: Any, rate: float, training: Any) -> Any:  # noqa: ARG001 - likewise
    return inputs


LAYERS = SimpleNamespace(
    conv2d=_conv2d,
    batch_normalization=_batch_normalization,
    dense=_dense,
    max_pooling2d=_max_pooling2d,
    flatten=_flatten,
    dropout=_dropout,
)


def main(wheel: Path, clips: list[str]) -> None:
    """Build the graph, restore the weights, and answer requests for passes."""
    sys.path.insert(0, str(wheel))
    import librosa
    from musicnn import configuration, extractor, models

    models.tf = _tensorflow_with_layers()
    n_frames = int(
        librosa.time_to_frames(
            WINDOW_SECONDS, sr=configuration.SR, n_fft=configuration.FFT_SIZE, hop_length=configuration.FFT_HOP
        )
        + 1
    )
    v1.reset_default_graph()
    windows = v1.placeholder(tf.float32, [None, n_frames, configuration.N_MELS])
    training = v1.placeholder(tf.bool)
    logits = models.define_model(windows, training, MODEL, len(configuration.MSD_LABELS))[0]
    tags = tf.nn.sigmoid(logits)
    session = v1.Session()
    v1.train.Saver().restore(session, f"{wheel}/musicnn/{MODEL}/")

    def extract(clip: str) -> list[Any]:
        batch, _ = extractor.batch_data(clip, n_frames, n_frames)
        size = configuration.BATCH_SIZE
        return [
            session.run(tags, feed_dict={windows: batch[start : start + size], training: False})
            for start in range(0, len(batch), size)
        ]

    serve_passes(extract, clips)


def _tensorflow_with_layers() -> Any:
    """Return what the wheel takes for TensorFlow: the real one, with the old layers."""
    old = SimpleNamespace(layers=LAYERS, logging=v1.logging)
    names = ("concat", "squeeze", "expand_dims", "pad", "nn", "transpose", "add", "reduce_max")
    return SimpleNamespace(compat=SimpleNamespace(v1=old), **{name: getattr(tf, name) for name in names})


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
