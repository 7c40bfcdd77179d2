"""Reading spectrograms by audio hash."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from soundatlas.errors import StoreError
from soundatlas.store.belonging import filling
from soundatlas.store.shards import Shard
from soundatlas.tables import MANIFEST, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MANIFEST_NAME = "manifest.parquet"
FAILURES_NAME = "failures.parquet"
CONTRACT_DIGITS = 16


def short_contract(contract_sha256: str) -> str:
    """Return as much of a front end's hash as the manifest has room for."""
    return contract_sha256[:CONTRACT_DIGITS]


class SpectrogramStore:
    """The spectrograms of `folder`, by audio SHA-256.

    Args:
        folder: written by `update_store`.
        contract_sha256: of the front end that the reader expects.

    Raises:
        StoreError: when the store, or a shard, was computed by another front end, and when a shard is damaged.
    """

    def __init__(self, folder: Path, contract_sha256: str) -> None:
        self.folder = folder
        self.contract_sha256 = contract_sha256
        self.manifest = read_table(folder / MANIFEST_NAME, MANIFEST).set_index("audio_sha256")
        if not self.manifest["front_end"].eq(short_contract(contract_sha256)).all():
            todo = f"run {filling(folder)}"
            raise StoreError(f"the spectrograms in {folder.name} were computed by another front end: {todo}")
        self._shards = self.manifest["shard"].to_dict()
        self._frames = self.manifest["frames"].to_dict()
        self._open = cache(self._open_shard)

    def _open_shard(self, name: str) -> Shard:
        shard = Shard(self.folder / name)
        if shard.contract_sha256 != self.contract_sha256:
            raise StoreError(f"shard {name} was computed by another front end: run {filling(self.folder)}")
        return shard

    def __contains__(self, audio_sha256: object) -> bool:
        return audio_sha256 in self._shards

    def frame_count(self, audio_sha256: str) -> int:
        """Return the number of frames of a track."""
        return int(self._frames[audio_sha256])

    def log_mel(self, audio_sha256: str) -> NDArray[np.float32]:
        """Return a track's spectrogram: float32, shape (frames, n_mels), dB."""
        return self._open(self._shards[audio_sha256]).log_mel(audio_sha256)

    def frames(self, audio_sha256: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return frames `start` to `stop` of a track without reading the rest: shape (stop - start, n_mels)."""
        return self._open(self._shards[audio_sha256]).frames(audio_sha256, start, stop)
