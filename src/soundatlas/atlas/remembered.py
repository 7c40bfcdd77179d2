"""What the atlas remembers below `data/history/`: fitted layouts, and descriptors of tracks. Keyed, ignored, no truth.

A layout belongs to a model (by its content) and to the seed of its fitting; descriptors to the front end that they
were computed from and to the code that computed them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

import soundatlas
from soundatlas.audio.descriptors import DESCRIPTORS
from soundatlas.files import registry_root, sha256_file, sha256_json
from soundatlas.history.store import history_path, open_history
from soundatlas.tables import empty, read_table, write_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

LAYOUTS, DESCRIBED = PurePosixPath("data/history/layouts"), PurePosixPath("data/history/descriptors")
LAYOUT = {"audio_sha256": "str", "x": "float32", "y": "float32"}
DESCRIPTION = {"audio_sha256": "str", **dict.fromkeys(DESCRIPTORS, "float64")}
SHORT = 12  # digits of a hash in a file's name


class LayoutMemory:
    """The fitted layouts of a project.

    Args:
        root: of the project.
        seed: of the fitting: another seed's layouts are others.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self._root, self._seed = root, seed

    def read(self, model_sha256: str) -> pd.DataFrame:
        """Return audio_sha256, x, y of the tracks that the model's layout was fitted to; none without a layout."""
        path = self._path(model_sha256)
        return read_table(path, LAYOUT) if path.is_file() else empty(LAYOUT)

    def keep(self, model_sha256: str, shas: list[str], positions: NDArray[np.floating]) -> None:
        """Remember a layout, in the place of an earlier one of the same model."""
        table = pd.DataFrame({"audio_sha256": shas, "x": positions[:, 0], "y": positions[:, 1]})
        write_table(table.astype(LAYOUT), self._path(model_sha256))

    def before(self, model_sha256: str) -> tuple[str, pd.DataFrame] | None:
        """Return the model whose predictions were shown before this one's, and its layout; None without one."""
        if not history_path(self._root).is_file():
            return None
        with open_history(self._root) as history:
            shown = [each.model_sha256 for each in history.projections()]
        for other in reversed(shown):
            if other != model_sha256 and self._path(other).is_file():
                return other, self.read(other)
        return None

    def _path(self, model_sha256: str) -> Path:
        return registry_root(self._root) / LAYOUTS / f"{model_sha256}-seed-{self._seed}.parquet"


def descriptors_path(root: Path, front_end: FrontEnd) -> Path:
    """Return where the descriptors of spectrograms of this front end are kept, computed by the present code."""
    code = sha256_file(Path(soundatlas.__file__).parent / "audio/descriptors.py")
    key = sha256_json({"front_end": front_end.sha256(), "code": code})[:SHORT]
    return registry_root(root) / DESCRIBED / f"{key}.parquet"
