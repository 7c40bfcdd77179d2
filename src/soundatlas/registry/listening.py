"""How a model listens: what its parts say of windows, and all together of altered versions of a track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundatlas.audio.windows import cut_windows, window_starts
from soundatlas.learning.backbone import HOP_FRAMES, WINDOW_FRAMES
from soundatlas.learning.blend import BACKBONE, NETWORK, STATISTICS
from soundatlas.learning.explanation import Patches, Rehearing
from soundatlas.learning.linear_heads import LinearHeads
from soundatlas.learning.statistics import track_statistics
from soundatlas.registry.contract import heads_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.registry.bundle import Bundle


@dataclass(frozen=True)
class Ear:
    """A part of a model that can be asked window by window, and the windows that it hears.

    Attributes:
        bundle: the model.
        part: "network" or "backbone".
        front_end: from audio to the spectrogram that the part hears, with or without stems.
        window_frames: length of a window, in frames; `hop_frames` between the starts of two.
    """

    bundle: Bundle
    part: str
    front_end: AnyFrontEnd
    window_frames: int
    hop_frames: int

    @classmethod
    def all_of(cls, bundle: Bundle) -> list[Ear]:
        """Return the model's own network, the backbone, or both in this order."""
        own = bundle.contract.window_frames, bundle.contract.hop_frames
        sizes = {NETWORK: own, BACKBONE: (WINDOW_FRAMES, HOP_FRAMES)}
        ends = bundle.front_ends
        return [cls(bundle, part, ends[part], *size) for part, size in sizes.items() if part in ends]

    def windows(self, log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut a spectrogram (frames, n_mels) into windows (windows, window_frames, n_mels)."""
        return cut_windows(log_mel, self.window_frames, self.hop_frames)

    def starts(self, frames: int) -> NDArray[np.int64]:
        """Return the first frame of each window of a track of so many frames."""
        return window_starts(frames, self.window_frames, self.hop_frames)

    def logits(self, windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return head -> logits of each window, shape (windows, classes)."""
        return self.bundle.window_logits(self.part, windows)


class Listener:
    """A whole model that hears versions of one track: it says what `Bundle.classify_log_mels` says, with less work.

    What network and backbone say of a track is the mean over its windows, so that only windows that differ from those
    of the first version are heard.

    Attributes:
        ears: the parts that can be asked window by window.
        hear: part -> what it says of each window of a version of the track.
        weights: head -> part -> the power to which the part's calibrated probabilities are raised.
    """

    def __init__(self, bundle: Bundle) -> None:
        calibration, parts = bundle.contract.calibration, bundle.front_ends
        self.ears = Ear.all_of(bundle)
        self.weights = {
            head: {part: calibration.factors[part][head] * calibration.temperatures[part][head] for part in parts}
            for head in bundle.space.classes
        }
        self.hear = {ear.part: Rehearing(ear.logits) for ear in self.ears}
        self._front_ends, self._temperatures = parts, calibration.temperatures
        self._statistics = LinearHeads.load(bundle.folder / heads_name(STATISTICS)) if STATISTICS in parts else None

    def shares(self, head: str) -> dict[str, float]:
        """Return how much each part's word counts for a head, summing to 1."""
        weights = self.weights[head]
        return {part: weight / sum(weights.values()) for part, weight in weights.items()}

    def logits(self, log_mels: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
        """Return head -> what the model says of a version of the track, shape (classes,).

        Args:
            log_mels: part -> what its front end hears of it; all versions have the same shapes.
        """
        said = {}  # part -> head -> calibrated logits of each window, or of the track
        for ear in self.ears:
            said[ear.part] = self.hear[ear.part](ear.windows(log_mels[ear.part]))
        if self._statistics is not None:
            features = track_statistics(log_mels[STATISTICS], self._front_ends[STATISTICS].mix)
            logits, _ = self._statistics.predict(features[None])
            said[STATISTICS] = {head: logits[head] / self._temperatures[STATISTICS][head] for head in self.weights}
        return {
            head: sum((weight * said[part][head].mean(axis=0, dtype=np.float64) for part, weight in weights.items()))
            for head, weights in self.weights.items()
        }

    def grids(self, patches: Patches) -> dict[str, Patches]:
        """Return part -> patches that are given for the first of the ears, in that part's own frames and bands."""
        shown = self.ears[0].front_end.mix
        return {part: _same_patches(patches, shown, front_end.mix) for part, front_end in self._front_ends.items()}


def _same_patches(patches: Patches, shown: FrontEnd, other: FrontEnd) -> Patches:
    """Return the patches that cover the same seconds and hertz of another front end's spectrograms."""
    frames = patches.frames * (other.frames_per_second / shown.frames_per_second)
    hertz, inner = shown.band_hertz(), patches.bands[1:-1]
    between = (hertz[inner - 1] + hertz[inner]) / 2
    bands = np.searchsorted(other.band_hertz(), between)
    return Patches(frames.round().astype(np.int64), np.array([0, *bands, other.n_mels]))
