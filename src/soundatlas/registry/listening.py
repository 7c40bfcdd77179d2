"""How a model listens: the part of it that can be asked window by window, whatever it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.audio.windows import cut_windows, window_starts
from soundatlas.learning.backbone import HOP_FRAMES, WINDOW_FRAMES
from soundatlas.learning.blend import BACKBONE, NETWORK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.registry.bundle import Bundle


@dataclass(frozen=True)
class Ear:
    """One part of a model, and the windows that it hears.

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
    def of(cls, bundle: Bundle) -> Ear:
        """Choose the model's own network, or the backbone where that speaks alone."""
        if NETWORK in bundle.front_ends:
            contract = bundle.contract
            return cls(bundle, NETWORK, bundle.front_ends[NETWORK], contract.window_frames, contract.hop_frames)
        return cls(bundle, BACKBONE, bundle.front_ends[BACKBONE], WINDOW_FRAMES, HOP_FRAMES)

    def windows(self, log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut a spectrogram (frames, n_mels) into windows (windows, window_frames, n_mels)."""
        return cut_windows(log_mel, self.window_frames, self.hop_frames)

    def starts(self, frames: int) -> NDArray[np.int64]:
        """Return the first frame of each window of a track of so many frames."""
        return window_starts(frames, self.window_frames, self.hop_frames)

    def logits(self, windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return head -> logits of each window, shape (windows, classes)."""
        return self.bundle.window_logits(self.part, windows)
