"""Pretrained musicnn features with linear heads, as soundatlas computes them: the one place here that calls those.

Two peers: the penultimate layer (200 numbers), and mean and max over time of the layers before it (1506 numbers), of
the checkpoint that was trained on the Million Song Dataset's tags. Where this version of soundatlas or this machine
has no such backbone, the bench lists them with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.errors import SoundatlasError
from soundatlas.learning.evaluation import Predictions
from soundatlas.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import Params

NEEDED = tuple(f"soundatlas.learning.{name}" for name in ("backbone", "backbone_weights", "linear_fit", "linear_heads"))
BACKBONE = "musicnn_msd"
CHECKPOINT = "MSD_musicnn"
WINDOWS_AT_ONCE = 8  # a window takes some 20 MB on its way through
SOURCE = Path(__file__).resolve().parents[2] / "src" / "soundatlas"


@dataclass(frozen=True)
class FittedLinear:
    """Linear heads over the features of one layer.

    Attributes:
        heads: soundatlas' `LinearHeads`.
        space: classes and scales.
        features: audio SHA-256 -> features.
        extract: log-mel -> features.
        front_end: the backbone's.
    """

    heads: Any
    space: LabelSpace
    features: dict[str, NDArray[np.float32]]
    extract: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    front_end: FrontEnd
    notes: tuple[str, ...] = ()

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Apply the heads to features that are there already."""
        return self._apply(np.stack([self.features[sha] for sha in tracks["audio_sha256"]]))

    def predict_file(self, path: Path) -> None:
        """Decode, compute the spectrogram and the features, apply the heads."""
        self._apply(self.extract(analyse_file(path, self.front_end).log_mel)[None])

    def _apply(self, x: NDArray[np.float32]) -> Predictions:
        logits, values = self.heads.predict(x)
        return Predictions(
            {head: softmax(logits[head].astype(np.float64), axis=1).astype(np.float32) for head in self.space.classes},
            {name: values[name] * scale.std + scale.mean for name, scale in self.space.attributes.items()},
        )


@dataclass(frozen=True)
class MusicnnPeer:
    """Linear heads over one layer of the backbone.

    Attributes:
        layer: "pooled" or "penultimate".
    """

    name: str
    title: str
    layer: str
    seeded: bool = False
    code: tuple[Path, ...] = (Path(__file__), SOURCE / "learning")
    _features: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _extract: list[Callable[[NDArray[np.float32]], NDArray[np.float32]]] = field(default_factory=list)

    def missing(self) -> str | None:
        """Return which module is not there, or why the weights are not."""
        if lacking := [name for name in NEEDED if find_spec(name) is None]:
            return f"{lacking[0]} is not there"
        try:
            import_module("soundatlas.learning.backbone_weights").checkpoint(CHECKPOINT)
        except SoundatlasError as error:
            return str(error)
        return None

    def settings(self, params: Params) -> dict[str, Any]:
        """Have the layer and the backbone's contract."""
        backbone = import_module("soundatlas.learning.backbone")
        return {"layer": self.layer, **backbone.feature_contract(BACKBONE, _front_end(params))}

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Compute the backbone's spectrograms and the features of every track."""
        store = dataset.stores.of(_front_end(params))
        self._extract.append(_extractor(self.layer))
        shas = dataset.collection.tracks["audio_sha256"].unique()
        if lacking := [sha for sha in shas if sha not in store]:
            raise SoundatlasError(f"{len(lacking)} tracks have no spectrogram for musicnn (e.g. {lacking[0]})")
        with progress(f"computing musicnn's {self.layer} features", len(shas)) as advance:
            for sha in shas:
                self._features[sha] = self._extract[-1](store.log_mel(sha))
                advance()

    def fit(self, task: Task) -> FittedLinear:
        """Fit the heads as soundatlas fits them."""
        fold = task.fold
        train, validation = (self._of(tracks) for tracks in (fold.train, fold.validation))
        heads = import_module("soundatlas.learning.linear_fit").fit_linear_heads(
            train, fold.train, validation, fold.validation, fold.space, embedding=task.params.train.embedding
        )
        return FittedLinear(heads, fold.space, self._features, self._extract[-1], _front_end(task.params))

    def _of(self, tracks: pd.DataFrame) -> NDArray[np.float32]:
        return np.stack([self._features[sha] for sha in tracks["audio_sha256"]])


def musicnn_peers() -> list[MusicnnPeer]:
    """Return both peers."""
    return [
        MusicnnPeer("musicnn_pooled", "musicnn mean + max + linear", "pooled"),
        MusicnnPeer("musicnn_penultimate", "musicnn penultimate + linear", "penultimate"),
    ]


def _front_end(params: Params) -> FrontEnd:
    backbone = import_module("soundatlas.learning.backbone")
    front_end: FrontEnd = backbone.backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)
    return front_end


def _extractor(layer: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from a track's log-mel to the mean of one layer over its windows."""
    import tensorflow as tf

    backbone = import_module("soundatlas.learning.backbone")
    network = backbone.backbone_network(BACKBONE)
    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    function = tf.function(lambda windows: network(windows, training=False)[layer], input_signature=[signature])

    def extract(log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = cut_windows(log_mel, backbone.WINDOW_FRAMES, backbone.HOP_FRAMES)
        parts = [
            function(tf.constant(windows[first : first + WINDOWS_AT_ONCE])).numpy()
            for first in range(0, len(windows), WINDOWS_AT_ONCE)
        ]
        return np.asarray(np.concatenate(parts).mean(axis=0, dtype=np.float64), np.float32)

    return extract
