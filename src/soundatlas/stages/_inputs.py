"""Loading what several stages read alike: the tracks of the catalogue with their side and spectrogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tables import SPLIT, TRACKS, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from soundatlas.params import Params


def open_store(root: Path, params: Params) -> SpectrogramStore:
    """Open the spectrogram store of this front end."""
    return SpectrogramStore(root / "data/spectrograms", FrontEnd.of(params.spectrograms).sha256())


def load_sides(root: Path, store: SpectrogramStore) -> dict[str, pd.DataFrame]:
    """Return side -> its tracks that have a spectrogram, with their `group`, ordered by `track_id`."""
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    split = read_table(root / "data/split/split.parquet", SPLIT)
    joined = split[["track_id", "group", "side"]].merge(tracks, on="track_id", validate="one_to_one")
    usable = joined[[sha in store for sha in joined["audio_sha256"]]].sort_values("track_id")
    return {str(side): rows.reset_index(drop=True) for side, rows in usable.groupby("side")}
