"""The backbones: frozen networks that others trained on far more music, and the features that they hear in a track."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.audio.windows import cut_windows
from soundatlas.learning.backbone_weights import LICENCE, checkpoint, weights_sha256

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

# Backbone -> the checkpoints whose features stand side by side: trained on the Million Song Dataset's tags and on
# MagnaTagATune's.
BACKBONES: dict[str, tuple[str, ...]] = {
    "musicnn_msd": ("MSD_musicnn",),
    "musicnn_mtt": ("MTT_musicnn",),
    "musicnn": ("MSD_musicnn", "MTT_musicnn"),
}
NONE = "none"
FUSION = "fusion"  # our own network beside this backbone
FUSED = "musicnn_msd"

WINDOW_FRAMES = 187  # what musicnn was trained on: 3 s
HOP_FRAMES = WINDOW_FRAMES // 2
POOLED = 1506  # mean and maximum over time of musicnn's 753 channels


def backbone_of(setting: str) -> str:
    """Return the backbone whose features `train.backbone` asks for, or `none`."""
    return FUSED if setting == FUSION else setting


def backbone_front_end(min_seconds: float, max_seconds: float) -> FrontEnd:
    """Return the front end that musicnn was trained behind; how short and long a track may be is the caller's."""
    return FrontEnd(
        sample_rate=16_000,
        n_fft=512,
        hop_length=256,
        n_mels=96,
        fmin=0.0,
        fmax=8_000.0,
        min_seconds=min_seconds,
        max_seconds=max_seconds,
    )


def feature_size(backbone: str) -> int:
    """Return the number of features of a track: 1506, or 3012 for both checkpoints; 0 for `none`."""
    return POOLED * len(BACKBONES.get(backbone, ()))


def feature_contract(backbone: str, front_end: FrontEnd) -> dict[str, Any]:
    """Return all that shapes the features of a track, as JSON-like values."""
    return {
        "backbone": backbone,
        "weights": {name: weights_sha256(name) for name in BACKBONES.get(backbone, ())},
        "licence": LICENCE,
        "front_end": front_end.contract(),
        "window_frames": WINDOW_FRAMES,
        "hop_frames": HOP_FRAMES,
        "pooling": "mean over windows of mean and max over time",
    }


def backbone_network(backbone: str) -> keras.Model:
    """Build a backbone, fetching its weights where the cache does not hold them.

    Returns:
        a model from dB windows (windows, 187, 96) to `pooled` (windows, `feature_size`), `penultimate` and `tags`.

    Raises:
        BackboneUnavailableError: when there are no weights.
    """
    import keras

    from soundatlas.learning.musicnn import build_musicnn

    parts = [build_musicnn(checkpoint(name), name) for name in BACKBONES[backbone]]
    if len(parts) == 1:
        return parts[0]
    inputs = keras.Input(parts[0].input_shape[1:], name="log_mel_db")
    outputs = [part(inputs) for part in parts]
    joined = {name: keras.layers.Concatenate(name=name)([output[name] for output in outputs]) for name in outputs[0]}
    return keras.Model(inputs, joined, name=backbone)


def feature_program(backbone: str) -> bytes:
    """Return a backbone's `pooled` as a LiteRT program for one window: half the time of TensorFlow, in any process.

    The variables are frozen first: unfrozen, Keras 3's conversion gives NaN without a word.

    Raises:
        BackboneUnavailableError: when there are no weights.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    network = backbone_network(backbone)
    signature = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)
    function = tf.function(lambda window: network(window, training=False)["pooled"], input_signature=[signature])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen], network).convert())


class FeatureExtractor:
    """Runs a backbone's program over the windows of one track at a time, on one thread.

    Args:
        program: from `feature_program`.
    """

    def __init__(self, program: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=program, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def track_features(self, log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean of the pooled features over a track's 3 s windows, which overlap by half.

        Args:
            log_mel: dB, shape (frames, 96), of `backbone_front_end`; a short track is repeated to fill a window.

        Returns:
            float32, shape (`feature_size`,).
        """
        pooled = self.window_features(cut_windows(log_mel, WINDOW_FRAMES, HOP_FRAMES))
        return np.asarray(pooled.mean(axis=0, dtype=np.float64), dtype=np.float32)

    def window_features(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the pooled features of each window, shape (windows, `feature_size`)."""
        return np.stack([self._pooled(window) for window in windows])

    def _pooled(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(window[None], dtype=np.float32))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output)[0])
