"""Features of tracks on disk, so that no run computes them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from soundatlas.tables import read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = {"audio_sha256": "str", "features": "object"}
TRACKS_PER_WRITE = 500  # a killed run loses at most the features of these


def read_kept(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return audio SHA-256 -> features; nothing where there is no file."""
    if not path.is_file():
        return {}
    kept = read_table(path, COLUMNS)
    return {sha: np.asarray(row, np.float32) for sha, row in zip(kept["audio_sha256"], kept["features"], strict=True)}


def write_kept(path: Path, features: Mapping[str, NDArray[np.float32]]) -> None:
    """Write what `read_kept` reads."""
    rows = [row.tolist() for row in features.values()]
    write_table(pd.DataFrame({"audio_sha256": [*features], "features": rows}), path)
