"""Opening the spectrogram store of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.store.reading import SpectrogramStore

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def open_store(root: Path, params: Params) -> SpectrogramStore:
    """Open the spectrogram store of this front end."""
    return SpectrogramStore(root / "data/spectrograms", FrontEnd.of(params.spectrograms).sha256())
