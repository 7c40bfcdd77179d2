"""Spectrograms that wait for the others of their shard: in memory, or on disk when they are many or long."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MOST_HELD_BYTES = 1 << 28  # in memory: a hundred tracks of two minutes and a half


class Spool:
    """Keeps the spectrograms of one shard.

    Args:
        folder: on whose disk there is room for them; nothing is seen there, and nothing is left however this ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = 0

    def keep(self, log_mel: NDArray[np.float16]) -> NDArray[np.float16]:
        """Return a spectrogram, or one that reads as it from a file of no name, which goes when the array does.

        Raises:
            OSError: when the disk is full.
        """
        if self._held + log_mel.nbytes <= MOST_HELD_BYTES:
            self._held += log_mel.nbytes
            return log_mel
        import numpy as np

        with tempfile.TemporaryFile(dir=self._folder, prefix=".spool-", suffix=".part") as file:
            file.write(np.ascontiguousarray(log_mel).data)
            file.flush()
            return np.memmap(file, log_mel.dtype, "r", shape=log_mel.shape)
