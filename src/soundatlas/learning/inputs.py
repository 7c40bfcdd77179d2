"""What a model hears of the catalogue's tracks: spectrograms, those of stems, and a backbone's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.audio.stems import AnyFrontEnd, StemFrontEnd
    from soundatlas.learning.backbone_features import FeatureTable
    from soundatlas.store.reading import SpectrogramStore


@dataclass(frozen=True)
class StemInputs:
    """Spectrograms with a channel for each stem: where they are, and the front end that made them."""

    store: SpectrogramStore
    front_end: StemFrontEnd


@dataclass(frozen=True)
class Inputs:
    """What a model hears of each track.

    Attributes:
        store: spectrograms.
        features: of the backbone; None without one.
        window_frames: length of a window, in frames; `hop_frames` between the starts of two.
        front_end: of the spectrograms.
        stems: what the network hears instead of `store`; None where it hears no stems.
    """

    store: SpectrogramStore
    features: FeatureTable | None
    window_frames: int
    hop_frames: int
    front_end: FrontEnd
    stems: StemInputs | None = None

    def __contains__(self, audio_sha256: object) -> bool:
        """Whether a track can be heard: all that the model hears of it is there."""
        return all(audio_sha256 in part for part in (self.store, self.features, self.network_store) if part is not None)

    @property
    def network_store(self) -> SpectrogramStore:
        """Return the spectrograms that the network hears."""
        return self.store if self.stems is None else self.stems.store

    @property
    def network_front_end(self) -> AnyFrontEnd:
        """Return the front end of the network."""
        return self.front_end if self.stems is None else self.stems.front_end

    def store_of(self, front_end: AnyFrontEnd) -> SpectrogramStore | None:
        """Return the spectrograms of a front end; None where they are not among these."""
        wanted = front_end.sha256()
        stores = (self.store, self.network_store)
        return next((store for store in stores if store.contract_sha256 == wanted), None)
