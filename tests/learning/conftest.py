"""Catalogues and stores without any audio, for learning."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import synthetic

from soundatlas.environment import quieten
from soundatlas.tables import TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.store.reading import SpectrogramStore

quieten()  # as in the program: before TensorFlow is imported


@pytest.fixture(scope="session")
def catalogue() -> Callable[..., pd.DataFrame]:
    """Give a function that makes a catalogue of rows that name only what matters; ids and hashes are counted."""

    def make(*rows: Mapping[str, Any]) -> pd.DataFrame:
        numbered = [
            {"track_id": f"t:{number:03d}", "audio_sha256": hashlib.sha256(str(number).encode()).hexdigest(), **row}
            for number, row in enumerate(rows)
        ]
        return conform(pd.DataFrame(numbered), TRACKS, extra=True)

    return make


@pytest.fixture(scope="session")
def store_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SpectrogramStore]:
    """Give a function that makes a store of given spectrograms: audio SHA-256 -> (frames, n_mels)."""

    def make(log_mels: Mapping[str, NDArray[np.float32]]) -> SpectrogramStore:
        return synthetic.write_store(tmp_path_factory.mktemp("store"), log_mels)

    return make
