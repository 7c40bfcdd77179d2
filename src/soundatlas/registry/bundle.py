"""The bundle: all that a model needs to turn audio files into predictions, in one folder, checked when it is loaded.

architecture.json   the network's layers (stock Keras, no code)
network.weights.h5  its weights
network.tflite      the same network for LiteRT: what evaluation and classification run
contract.json       front end, windows, ordered labels, scales, normalisation
golden.flac         a clip, and
golden.npy          the log-mel that it must give
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.spectrogram import FLOOR_DB, FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.files import write_json
from soundatlas.learning.litert import LiteRtNetwork
from soundatlas.learning.track import predict_track, softmax
from soundatlas.registry.contract import CONTRACT_FORMAT, CONTRACT_NAME, EXPORT_NAME, Contract, read_contract
from soundatlas.registry.golden import LOG_MEL_NAME, check_golden, write_golden

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import TrainParams

RANDOM_WINDOWS = 16  # of noise around the training tracks' level, for comparing the export with the network
SEED = 0


@dataclass(frozen=True)
class TrackPrediction:
    """What a model says of one track.

    Attributes:
        probabilities: head -> class -> probability.
        values: attribute -> value, in its own unit.
        embedding: float32, shape (embedding,).
    """

    probabilities: dict[str, dict[str, float]]
    values: dict[str, float]
    embedding: NDArray[np.float32]

    def row(self) -> dict[str, Any]:
        """Return the prediction as columns: per head the label, its confidence and all probabilities."""
        columns: dict[str, Any] = {}
        for head, classes in self.probabilities.items():
            label = max(classes, key=classes.__getitem__)
            columns |= {head: label, f"{head}_confidence": classes[label], f"{head}_probabilities": classes}
        return {**columns, **self.values, "embedding": self.embedding.tolist()}


def write_bundle(
    folder: Path,
    network: keras.Model,
    space: LabelSpace,
    front_end: FrontEnd,
    params: TrainParams,
    *,
    mean_db: float,
    std_db: float,
    examples: Iterable[NDArray[np.float32]] = (),
) -> None:
    """Write a bundle into an existing folder.

    Args:
        folder: to write into.
        network: of `build_network`, fitted.
        space: what its outputs mean.
        front_end: what its inputs mean.
        params: section `train`.
        mean_db: mean level of the training tracks, dB.
        std_db: its standard deviation, dB.
        examples: spectrograms of tracks, on which the export is compared with the network.

    Raises:
        BundleError: when the export says something else than the network.
    """
    from soundatlas.learning.export import export_litert
    from soundatlas.learning.network import save_network

    window_frames = front_end.frames(params.window_seconds)
    save_network(network, folder)
    export_litert(network, folder / EXPORT_NAME)
    write_golden(folder, front_end)
    contract = {
        "format": CONTRACT_FORMAT,
        "front_end": front_end.contract(),
        "window_frames": window_frames,
        "window_hop_frames": max(1, round(window_frames * (1 - params.window_overlap))),
        "normalisation": {"mean_db": mean_db, "std_db": std_db},
        "embedding": params.embedding,
        **space.contract(),
    }
    write_json(folder / CONTRACT_NAME, contract)
    check_export(folder, examples)


def check_export(folder: Path, examples: Iterable[NDArray[np.float32]] = ()) -> None:
    """Compare a bundle's LiteRT export with the Keras network beside it, both read from the folder.

    Args:
        folder: of the bundle.
        examples: spectrograms of tracks. Noise, silence and the golden clip are compared in any case.

    Raises:
        BundleError: when they differ, or one gives NaN; with the figure.
    """
    from soundatlas.learning.agreement import check_agreement
    from soundatlas.learning.network import load_network, run_network

    contract = read_contract(folder)
    shape = (contract.window_frames, contract.front_end.n_mels)
    noise = np.random.default_rng(SEED).normal(contract.mean_db, contract.std_db, (RANDOM_WINDOWS, *shape))
    silence = np.full((1, *shape), FLOOR_DB)
    tracks = [np.load(folder / LOG_MEL_NAME, allow_pickle=False), *examples]
    heard = [cut_windows(log_mel, contract.window_frames, contract.hop_frames) for log_mel in tracks]
    windows = np.concatenate([noise, silence, *heard]).astype(np.float32)
    check_agreement(run_network(load_network(folder)), _load_export(folder, contract).run, contract.space, windows)


class Bundle:
    """A loaded model: audio files in, predictions out. `params.yaml` is never consulted, TensorFlow never imported.

    Args:
        folder: that `write_bundle` filled.
        expected_sha256: the content hash that it must have; a changed file is refused before it is loaded.

    Raises:
        BundleError: when it is incomplete, changed, or computes something else on this machine.
    """

    def __init__(self, folder: Path, expected_sha256: str | None = None) -> None:
        self.folder = folder
        self.contract = read_contract(folder, expected_sha256)
        self.content_sha256 = self.contract.content_sha256
        self.front_end = self.contract.front_end
        self.space = self.contract.space
        check_golden(folder, self.front_end)
        self._network = _load_export(folder, self.contract)

    def classify_log_mel(self, log_mel: NDArray[np.float32]) -> TrackPrediction:
        """Classify a track from its spectrogram: float32, shape (frames, n_mels), dB, of this front end."""
        windows = cut_windows(log_mel, self.contract.window_frames, self.contract.hop_frames)
        output = predict_track(self._network.run, self.space, windows)
        probabilities = {
            head: dict(zip(names, softmax(output.logits[head]).tolist(), strict=True))
            for head, names in self.space.classes.items()
        }
        values = {name: output.values[name] * scale.std + scale.mean for name, scale in self.space.attributes.items()}
        return TrackPrediction(probabilities, values, output.embedding)

    def classify_file(self, path: Path) -> TrackPrediction:
        """Classify an audio file.

        Raises:
            TrackError: with the reason why the file cannot be used.
        """
        return self.classify_log_mel(analyse_file(path, self.front_end).log_mel)


def _load_export(folder: Path, contract: Contract) -> LiteRtNetwork:
    shape = (contract.window_frames, contract.front_end.n_mels)
    return LiteRtNetwork(folder / EXPORT_NAME, window_shape=shape, outputs=contract.outputs)
