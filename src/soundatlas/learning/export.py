"""The network as a LiteRT model: what classification runs, without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from soundatlas.learning.litert import INPUT

if TYPE_CHECKING:
    from pathlib import Path

    import keras

WINDOWS_AT_ONCE = 1  # the fastest on one thread, and no window's result depends on its neighbours


def export_litert(network: keras.Model, path: Path) -> None:
    """Write the network as float32 LiteRT with a signature: "windows" in, the network's outputs by name.

    The weights are frozen into the graph first: a Keras 3 function that was converted with its variables gave NaN
    without a word. Equal networks give equal bytes.

    Args:
        network: of `build_network`.
        path: of the file.
    """
    window = tf.TensorSpec((WINDOWS_AT_ONCE, *network.input_shape[1:]), tf.float32, name=INPUT)
    function = tf.function(lambda windows: network(windows, training=False), input_signature=[window], autograph=False)
    concrete = function.get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete)
    names = sorted(concrete.structured_outputs)  # freezing forgets the names and keeps their order, which is sorted
    holder = tf.Module()
    holder.run = tf.function(
        lambda windows: dict(zip(names, frozen(windows), strict=True)), input_signature=[window], autograph=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([holder.run.get_concrete_function()], holder)
    path.write_bytes(converter.convert())
