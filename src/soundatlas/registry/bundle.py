"""The bundle: all that a model needs to turn audio files into predictions, in one folder, checked when it is loaded.

architecture.json   the network's layers (stock Keras, no code)
network.weights.h5  its weights
contract.json       front end, windows, ordered labels, scales, normalisation
golden.flac         a clip, and
golden.npy          the log-mel that it must give
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.errors import BundleError
from soundatlas.files import read_json, sha256_file, sha256_json, write_json
from soundatlas.learning.labels import LabelSpace
from soundatlas.registry.golden import AUDIO_NAME, LOG_MEL_NAME, check_golden, write_golden

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from soundatlas.learning.network import Predictor
    from soundatlas.params import TrainParams

CONTRACT_NAME = "contract.json"
CONTRACT_FORMAT = 1
FILES = ("architecture.json", "network.weights.h5", CONTRACT_NAME, AUDIO_NAME, LOG_MEL_NAME)


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
) -> None:
    """Write a bundle into an existing folder."""
    from soundatlas.learning.network import save_network

    window_frames = front_end.frames(params.window_seconds)
    save_network(network, folder)
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


def content_sha256(folder: Path) -> str:
    """Return the hash of all the bundle's files: the model's identity.

    Raises:
        BundleError: when a file is missing.
    """
    if lacking := [name for name in FILES if not (folder / name).is_file()]:
        raise BundleError(f"the model bundle in {folder} lacks {lacking[0]}: run `dvc repro train`")
    return sha256_json({name: sha256_file(folder / name) for name in FILES})


def contract_sha256(folder: Path) -> str:
    """Return the hash of the bundle's contract."""
    return sha256_json(read_json(folder / CONTRACT_NAME))


class Bundle:
    """A loaded model: audio files in, predictions out. `params.yaml` is never consulted.

    Args:
        folder: that `write_bundle` filled.
        expected_sha256: the content hash that it must have; a changed file is refused.

    Raises:
        BundleError: when it is incomplete, changed, or computes something else on this machine.
    """

    def __init__(self, folder: Path, expected_sha256: str | None = None) -> None:
        self.folder = folder
        self.content_sha256 = content_sha256(folder)
        if expected_sha256 not in {None, self.content_sha256}:
            raise BundleError(f"the model bundle in {folder} is not the one that was registered: its files changed")
        contract = read_json(folder / CONTRACT_NAME)
        if contract["format"] != CONTRACT_FORMAT:
            raise BundleError(f"the model bundle in {folder} has format {contract['format']}, not {CONTRACT_FORMAT}")
        try:
            self.front_end = FrontEnd.from_contract(contract["front_end"])
        except (ValueError, KeyError) as error:
            raise BundleError(
                f"the model bundle in {folder} does not fit this version of soundatlas: {error}"
            ) from None
        check_golden(folder, self.front_end)
        self.space = LabelSpace.from_contract(contract)
        self._window_frames = int(contract["window_frames"])
        self._hop_frames = int(contract["window_hop_frames"])
        self._predictor = self._load_predictor()

    def _load_predictor(self) -> Predictor:
        from soundatlas.learning.network import Predictor, load_network

        return Predictor(load_network(self.folder), self.space)

    def classify_log_mel(self, log_mel: NDArray[np.float32]) -> TrackPrediction:
        """Classify a track from its spectrogram: float32, shape (frames, n_mels), dB, of this front end."""
        output = self._predictor.track(cut_windows(log_mel, self._window_frames, self._hop_frames))
        probabilities = {
            head: dict(zip(names, softmax(output.logits[head].astype(np.float64)).tolist(), strict=True))
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
