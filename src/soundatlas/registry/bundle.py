"""The bundle: all that a model needs to turn audio files into predictions, in one folder, checked when it is loaded.

contract.json         parts, front ends, windows, ordered labels, scales, temperatures, normalisation
golden.flac           a clip, and
golden-<part>.npy     the log-mel that it must give for each part

part "network", trained from scratch:
architecture.json     its layers (stock Keras, no code)
network.weights.h5    its weights
network.tflite        the same network for LiteRT: what evaluation and classification run

part "backbone", linear heads over the features of a network that others trained:
backbone.tflite       that network, for LiteRT
linear_heads.safetensors
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.learning.backbone import FeatureExtractor
from soundatlas.learning.blend import BACKBONE, NETWORK, blend, linear_output
from soundatlas.learning.linear_heads import LinearHeads
from soundatlas.learning.litert import LiteRtNetwork
from soundatlas.learning.track import predict_track, softmax
from soundatlas.registry.contract import BACKBONE_NAME, EXPORT_NAME, Contract, read_contract
from soundatlas.registry.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.learning.inputs import Inputs
    from soundatlas.learning.track import TrackOutput


@dataclass(frozen=True)
class TrackPrediction:
    """What a model says of one track.

    Attributes:
        probabilities: head -> class -> probability.
        values: attribute -> value, in its own unit.
        embedding: float32, of length 1, so that a dot product is a cosine.
        known: head whose classes may be unknown -> how surely the track is of one of them, and whether that suffices.
    """

    probabilities: dict[str, dict[str, float]]
    values: dict[str, float]
    embedding: NDArray[np.float32]
    known: dict[str, tuple[float, bool]]

    def row(self) -> dict[str, Any]:
        """Return the prediction as columns: per head the label, its confidence and all probabilities."""
        columns: dict[str, Any] = {}
        for head, classes in self.probabilities.items():
            label = max(classes, key=classes.__getitem__)
            columns |= {head: label, f"{head}_confidence": classes[label], f"{head}_probabilities": classes}
        for head, (knownness, known) in self.known.items():
            columns |= {f"{head}_knownness": knownness, f"{head}_known": known}
        return {**columns, **self.values, "embedding": self.embedding.tolist()}


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
        self.front_ends = self.contract.front_ends
        self.space = self.contract.space
        for part, front_end in self.front_ends.items():
            check_golden(folder, part, front_end)
        if NETWORK in self.front_ends:
            self._network = load_export(folder, self.contract)
        if BACKBONE in self.front_ends:
            self._heads = LinearHeads.load(folder)

    @cached_property
    def _extractor(self) -> FeatureExtractor:
        return FeatureExtractor((self.folder / BACKBONE_NAME).read_bytes())

    def reads(self, inputs: Inputs) -> bool:
        """Whether what was computed for the catalogue is what this model hears, part by part."""
        network, backbone = self.front_ends.get(NETWORK), self.contract.backbone
        return (network is None or network.sha256() == inputs.store.contract_sha256) and (
            backbone is None or (inputs.features is not None and inputs.features.contract == backbone)
        )

    def classify_stored(self, inputs: Inputs, audio_sha256: str) -> TrackPrediction:
        """Classify a track of the catalogue from what was computed for it; `reads` must hold."""
        parts = {}
        if NETWORK in self.front_ends:
            parts[NETWORK] = self._of_network(inputs.store.log_mel(audio_sha256))
        if BACKBONE in self.front_ends and inputs.features is not None:
            parts[BACKBONE] = linear_output(self._heads, inputs.features.of([audio_sha256])[0])
        return self._prediction(parts)

    def classify_log_mels(self, log_mels: dict[str, NDArray[np.float32]]) -> TrackPrediction:
        """Classify a track from its spectrograms: part -> float32, shape (frames, n_mels), dB, of its front end."""
        parts = {}
        if NETWORK in self.front_ends:
            parts[NETWORK] = self._of_network(log_mels[NETWORK])
        if BACKBONE in self.front_ends:
            parts[BACKBONE] = linear_output(self._heads, self._extractor.track_features(log_mels[BACKBONE]))
        return self._prediction(parts)

    def classify_file(self, path: Path) -> TrackPrediction:
        """Classify an audio file.

        Raises:
            TrackError: with the reason why the file cannot be used.
        """
        return self.classify_log_mels(
            {part: analyse_file(path, front_end).log_mel for part, front_end in self.front_ends.items()}
        )

    def _of_network(self, log_mel: NDArray[np.float32]) -> TrackOutput:
        windows = cut_windows(log_mel, self.contract.window_frames, self.contract.hop_frames)
        return predict_track(self._network.run, self.space, windows)

    def _prediction(self, parts: dict[str, TrackOutput]) -> TrackPrediction:
        output = blend(parts, self.contract.calibration)
        probabilities = {
            head: dict(zip(names, softmax(output.logits[head]).tolist(), strict=True))
            for head, names in self.space.classes.items()
        }
        values = {name: output.values[name] * scale.std + scale.mean for name, scale in self.space.attributes.items()}
        known = {}
        if (open_set := self.contract.open_set) is not None:
            known[open_set.head] = (open_set.knownness(output), open_set.is_known(output))
        return TrackPrediction(probabilities, values, output.embedding, known)


def load_export(folder: Path, contract: Contract) -> LiteRtNetwork:
    """Load the network's export, which must take and give what the contract says.

    Raises:
        BundleError: when it does not.
    """
    shape = (contract.window_frames, front_end_of(contract).n_mels)
    return LiteRtNetwork(folder / EXPORT_NAME, window_shape=shape, outputs=contract.outputs)


def front_end_of(contract: Contract) -> FrontEnd:
    """Return the front end of the network."""
    return contract.front_ends[NETWORK]
