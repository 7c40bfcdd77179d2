"""What a model hears of the catalogue's tracks: spectrograms, and a backbone's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.learning.backbone_features import FeatureTable
    from soundatlas.store.reading import SpectrogramStore


@dataclass(frozen=True)
class Inputs:
    """What a model hears of each track.

    Attributes:
        store: spectrograms.
        features: of the backbone; None without one.
        window_frames: length of a window, in frames; `hop_frames` between the starts of two.
        front_end: of the spectrograms.
    """

    store: SpectrogramStore
    features: FeatureTable | None
    window_frames: int
    hop_frames: int
    front_end: FrontEnd

    def __contains__(self, audio_sha256: object) -> bool:
        """Whether a track can be heard: its spectrogram is there, and its features where there is a backbone."""
        return audio_sha256 in self.store and (self.features is None or audio_sha256 in self.features)
