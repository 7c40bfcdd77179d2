"""The bundle: all that a model needs to turn audio files into predictions, in one folder, checked when it is loaded.

contract.json         parts, front ends, windows, ordered labels, scales, temperatures, normalisation
golden.flac           a clip, and
golden-<part>.npy     the log-mel that it must give for each part

part "network", trained from scratch:
architecture.json     its layers (stock Keras, no code)
network.weights.h5    its weights
network.tflite        the same network for LiteRT: what evaluation and classification run

part "statistics", linear heads over the sound, the intervals and the pulse of a track:
statistics_heads.safetensors

part "backbone", linear heads over the features of a network that others trained:
backbone.tflite       that network, for LiteRT
backbone_heads.safetensors

where a class may be unknown:
references.safetensors  training tracks that new ones are compared to
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.stems import analyse, mix_of
from soundatlas.audio.windows import cut_windows
from soundatlas.learning.backbone import FeatureExtractor
from soundatlas.learning.beat import TEMPO
from soundatlas.learning.blend import BACKBONE, LINEAR_PARTS, NETWORK, STATISTICS, blend, linear_output
from soundatlas.learning.linear_heads import LinearHeads
from soundatlas.learning.litert import LiteRtNetwork
from soundatlas.learning.references import References
from soundatlas.learning.statistics import track_statistics
from soundatlas.learning.track import predict_track, softmax
from soundatlas.registry.contract import BACKBONE_NAME, EXPORT_NAME, Contract, heads_name, read_contract
from soundatlas.registry.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.learning.inputs import Inputs
    from soundatlas.learning.track import TrackOutput


BEAT_COLUMN = "beat_bpm"


@dataclass(frozen=True)
class TrackPrediction:
    """What a model says of one track.

    Attributes:
        probabilities: head -> class -> probability.
        values: attribute -> value, in its own unit.
        embedding: float32, of length 1, so that a dot product is a cosine.
        known: head whose classes may be unknown -> how surely the track is of one of them, and whether that suffices.
        beat_bpm: the beat that was picked, in beats per minute; None from a model that learned no tempo.
    """

    probabilities: dict[str, dict[str, float]]
    values: dict[str, float]
    embedding: NDArray[np.float32]
    known: dict[str, tuple[float, bool]]
    beat_bpm: float | None

    def row(self) -> dict[str, Any]:
        """Return the prediction as columns: per head the label, its confidence and all probabilities."""
        columns: dict[str, Any] = {}
        for head, classes in self.probabilities.items():
            label = max(classes, key=classes.__getitem__)
            columns |= {head: label, f"{head}_confidence": classes[label], f"{head}_probabilities": classes}
        for head, (knownness, known) in self.known.items():
            columns |= {f"{head}_knownness": knownness, f"{head}_known": known}
        beat = {} if self.beat_bpm is None else {BEAT_COLUMN: self.beat_bpm}
        return {**columns, **self.values, **beat, "embedding": self.embedding.tolist()}


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
        linear = [part for part in LINEAR_PARTS if part in self.front_ends]
        self._heads = {part: LinearHeads.load(folder / heads_name(part)) for part in linear}
        nearness = self.contract.open_set is not None and self.contract.open_set.nearness is not None
        self._references = References.load(folder) if nearness else None

    @cached_property
    def _extractor(self) -> FeatureExtractor:
        return FeatureExtractor((self.folder / BACKBONE_NAME).read_bytes())

    def reads(self, inputs: Inputs) -> bool:
        """Whether what was computed for the catalogue is what this model hears, part by part."""
        own = [self.front_ends[part] for part in (NETWORK, STATISTICS) if part in self.front_ends]
        backbone = self.contract.backbone
        return all(inputs.store_of(front_end) is not None for front_end in own) and (
            backbone is None or (inputs.features is not None and inputs.features.contract == backbone)
        )

    def classify_stored(self, inputs: Inputs, audio_sha256: str) -> TrackPrediction:
        """Classify a track of the catalogue from what was computed for it; `reads` must hold."""
        features = None
        if BACKBONE in self.front_ends and inputs.features is not None:
            features = inputs.features.of([audio_sha256])[0]
        own = self.front_ends.get(NETWORK, self.front_ends.get(STATISTICS))
        store = None if own is None else inputs.store_of(own)
        return self._prediction(None if store is None else store.log_mel(audio_sha256), features)

    def classify_log_mels(self, log_mels: dict[str, NDArray[np.float32]]) -> TrackPrediction:
        """Classify a track from its spectrograms: part -> what its front end hears, float32, dB."""
        features = None
        if BACKBONE in self.front_ends:
            features = self._extractor.track_features(log_mels[BACKBONE])
        return self._prediction(log_mels.get(NETWORK, log_mels.get(STATISTICS)), features)

    def classify_file(self, path: Path) -> TrackPrediction:
        """Classify an audio file.

        Raises:
            TrackError: with the reason why the file cannot be used.
        """
        return self.classify_log_mels(self.analyse(lambda front_end: analyse(path, front_end).log_mel))

    def analyse(self, log_mel_of: Callable[[AnyFrontEnd], NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return part -> log-mel of a file, computing each front end once."""
        found: dict[AnyFrontEnd, NDArray[np.float32]] = {}
        for front_end in self.front_ends.values():
            if front_end not in found:
                found[front_end] = log_mel_of(front_end)
        return {part: found[front_end] for part, front_end in self.front_ends.items()}

    def window_logits(self, part: str, windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return head -> what one part says of each of its windows by itself: calibrated logits (windows, classes).

        Args:
            part: "network" or "backbone"; the part "statistics" hears whole tracks.
            windows: of its front end, shape (windows, window_frames, n_mels), dB.
        """
        if part == NETWORK:
            logits = self._network.run(windows)
        else:
            logits, _ = self._heads[BACKBONE].predict(self._extractor.window_features(windows))
        temperatures = self.contract.calibration.temperatures[part]
        return {head: logits[head] / np.float32(temperatures[head]) for head in self.space.classes}

    def _parts(
        self, log_mel: NDArray[np.float32] | None, features: NDArray[np.float32] | None
    ) -> dict[str, TrackOutput]:
        parts = {}
        if NETWORK in self.front_ends and log_mel is not None:
            windows = cut_windows(log_mel, self.contract.window_frames, self.contract.hop_frames)
            parts[NETWORK] = predict_track(self._network.run, self.space, windows)
        if STATISTICS in self.front_ends and log_mel is not None:
            statistics = track_statistics(mix_of(log_mel), self.front_ends[STATISTICS].mix)
            parts[STATISTICS] = linear_output(self._heads[STATISTICS], statistics)
        if features is not None:
            parts[BACKBONE] = linear_output(self._heads[BACKBONE], features)
        return parts

    def _prediction(self, log_mel: NDArray[np.float32] | None, features: NDArray[np.float32] | None) -> TrackPrediction:
        parts = self._parts(log_mel, features)
        output = blend(parts, self.contract.calibration)
        probabilities = {
            head: dict(zip(names, softmax(output.logits[head]).tolist(), strict=True))
            for head, names in self.space.classes.items()
        }
        values = {name: scale.value(output.values[name]) for name, scale in self.space.attributes.items()}
        known = {}
        if (open_set := self.contract.open_set) is not None:
            knownness = open_set.knownness(output, self._references)
            known[open_set.head] = (knownness, knownness >= open_set.threshold)
        beat_bpm = None
        if self.contract.beat is not None and log_mel is not None:
            rate = self.front_ends[STATISTICS].mix.frames_per_second
            beat_bpm = self.contract.beat.pick(mix_of(log_mel), values[TEMPO], rate)
        return TrackPrediction(probabilities, values, output.embedding, known, beat_bpm)


def load_export(folder: Path, contract: Contract) -> LiteRtNetwork:
    """Load the network's export, which must take and give what the contract says.

    Raises:
        BundleError: when it does not.
    """
    return LiteRtNetwork(folder / EXPORT_NAME, window_shape=window_shape(contract), outputs=contract.outputs)


def window_shape(contract: Contract) -> tuple[int, ...]:
    """Return the shape of one of the network's windows: frames, mel bands, and with stems the channels."""
    front_end = contract.front_ends[NETWORK]
    channels = (1 + len(front_end.stems),) if front_end.stems else ()
    return (contract.window_frames, front_end.mix.n_mels, *channels)
