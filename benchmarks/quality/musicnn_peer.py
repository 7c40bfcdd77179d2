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
from sklearn.preprocessing import StandardScaler

from benchmarks.quality.kept_features import TRACKS_PER_WRITE, read_kept, write_kept
from benchmarks.quality.peer import highest_probabilities
from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.errors import SoundatlasError
from soundatlas.files import sha256_json
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

    Features = dict[str, NDArray[np.float32]]  # by audio SHA-256
    Extract = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # from a log-mel

NEEDED = tuple(
    f"soundatlas.learning.{name}" for name in ("backbone", "backbone_features", "backbone_weights", "linear_fit")
)
BACKBONE = "musicnn_msd"
CHECKPOINT = "MSD_musicnn"
POOLED, PENULTIMATE = "pooled", "penultimate"
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
        scaler: of the training tracks' features.
    """

    heads: Any
    space: LabelSpace
    features: Features
    extract: Extract
    front_end: FrontEnd
    scaler: StandardScaler
    notes: tuple[str, ...] = ()

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Apply the heads to features that are there already."""
        return self._apply(np.stack([self.features[sha] for sha in tracks["audio_sha256"]]))

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002 - the shape of a peer
        """Have no measure but the probabilities."""
        return highest_probabilities(predictions)

    def embed(self, tracks: pd.DataFrame) -> NDArray[np.float32]:
        """Have the layer's features, each on the scale of the training tracks."""
        x = np.stack([self.features[sha] for sha in tracks["audio_sha256"]])
        return np.asarray(self.scaler.transform(x), np.float32)

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
    _features: Features = field(default_factory=dict)
    _extract: list[Extract] = field(default_factory=list)

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
        """Compute the features of every track.

        Raises:
            SoundatlasError: when a track has none.
        """
        compute = _pooled if self.layer == POOLED else _penultimate
        features, extract = compute(dataset, _front_end(params), params.spectrograms.timeout_seconds)
        if lacking := set(dataset.heard["audio_sha256"]) - set(features):
            raise SoundatlasError(f"{len(lacking)} tracks have no musicnn features (e.g. {min(lacking)})")
        self._features.update(features)
        self._extract.append(extract)

    def fit(self, task: Task) -> FittedLinear:
        """Fit the heads as soundatlas fits them."""
        fold = task.fold
        train, validation = (self._of(tracks) for tracks in (fold.train, fold.validation))
        heads = import_module("soundatlas.learning.linear_fit").fit_linear_heads(
            train, fold.train, validation, fold.validation, fold.space, embedding=task.params.train.embedding
        )
        scaler = StandardScaler().fit(train)
        return FittedLinear(heads, fold.space, self._features, self._extract[-1], _front_end(task.params), scaler)

    def _of(self, tracks: pd.DataFrame) -> NDArray[np.float32]:
        return np.stack([self._features[sha] for sha in tracks["audio_sha256"]])


def musicnn_peers() -> list[MusicnnPeer]:
    """Return both peers."""
    return [
        MusicnnPeer("musicnn_pooled", "musicnn mean + max, linear", POOLED),
        MusicnnPeer("musicnn_penultimate", "musicnn penultimate, linear", PENULTIMATE),
    ]


def _front_end(params: Params) -> FrontEnd:
    backbone = import_module("soundatlas.learning.backbone")
    front_end: FrontEnd = backbone.backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)
    return front_end


def _pooled(dataset: Dataset, front_end: FrontEnd, timeout_seconds: float) -> tuple[Features, Extract]:
    """Return the features that soundatlas itself learns from, and its function from a log-mel to them."""
    backbone, made = (import_module(f"soundatlas.learning.{name}") for name in ("backbone", "backbone_features"))
    tracks = dataset.heard
    with progress("computing musicnn's pooled features", tracks["audio_sha256"].nunique()) as advance:
        made.update_features(
            dataset.scratch / BACKBONE,
            dict(zip(tracks["audio_sha256"], tracks["path"], strict=True)),
            BACKBONE,
            front_end,
            root=dataset.collection.root,
            timeout_seconds=timeout_seconds,
            advance=advance,
        )
    features: Features = made.read_features(dataset.scratch / BACKBONE / made.FEATURES_NAME).rows()
    return features, backbone.FeatureExtractor(backbone.feature_program(BACKBONE)).track_features


def _penultimate(dataset: Dataset, front_end: FrontEnd, _timeout_seconds: float) -> tuple[Features, Extract]:
    """Return the mean of the last layer before the tags over the same windows, which soundatlas has no use for."""
    import tensorflow as tf

    backbone = import_module("soundatlas.learning.backbone")
    network = backbone.backbone_network(BACKBONE)
    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    function = tf.function(lambda windows: network(windows, training=False)[PENULTIMATE], input_signature=[signature])

    def extract(log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = cut_windows(log_mel, backbone.WINDOW_FRAMES, backbone.HOP_FRAMES)
        parts = [
            function(tf.constant(windows[first : first + WINDOWS_AT_ONCE])).numpy()
            for first in range(0, len(windows), WINDOWS_AT_ONCE)
        ]
        return np.asarray(np.concatenate(parts).mean(axis=0, dtype=np.float64), np.float32)

    store = dataset.stores.of(front_end)
    kept_at = (
        dataset.scratch / f"{PENULTIMATE}-{sha256_json(backbone.feature_contract(BACKBONE, front_end))[:12]}.parquet"
    )
    known = read_kept(kept_at)
    new = [sha for sha in dataset.heard["audio_sha256"].unique() if sha in store and sha not in known]
    with progress("computing musicnn's penultimate features", len(new)) as advance:
        for number, sha in enumerate(new, 1):
            known[sha] = extract(store.log_mel(sha))
            advance()
            if number % TRACKS_PER_WRITE == 0 or number == len(new):
                write_kept(kept_at, known)
    return known, extract
