"""Which tracks a model was trained on: a list of hashes beside its bundle, and in its MLflow run.

The list is no file of the bundle's content: the same model stays the same model, whoever writes down what it heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

TRACKS_NAME = "tracks.json"


def write_training_tracks(folder: Path, sides: Mapping[str, pd.DataFrame]) -> None:
    """Write side -> sorted audio SHA-256 of its tracks; `validation` chose and calibrated, `train` was learned from."""
    write_json(folder / TRACKS_NAME, {side: sorted(set(tracks["audio_sha256"])) for side, tracks in sides.items()})


def read_training_tracks(path: Path) -> dict[str, str]:
    """Return audio SHA-256 -> side."""
    return {sha: side for side, shas in read_json(path).items() for sha in shas}
