"""Whether a file holds something of a track: its bytes, its spectrogram, its features, or a row about it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

ID_COLUMNS = ("audio_sha256", "track_id", "other_track_id", "listed_track_id", "from_track_id", "name", "path")
PARQUET = b"PAR1"
LENGTH_BYTES = 8  # of the header of a safetensors file
MOST_HEADER_BYTES = 100 << 20  # what safetensors itself allows


@dataclass(frozen=True)
class Traces:
    """By what a track can be recognised in a file.

    Attributes:
        audio_sha256: of its bytes.
        track_ids: in the catalogue.
        paths: of its files, as catalogue and listings name them.
    """

    audio_sha256: str
    track_ids: tuple[str, ...]
    paths: tuple[str, ...]

    @cached_property
    def _names(self) -> tuple[bytes, ...]:
        """The texts that only a page or a table about the track holds; a bare hash also stands in lists of hashes."""
        fact = f'"audio_sha256": "{self.audio_sha256}"'
        texts = [*self.track_ids, *self.paths]
        return tuple(text.encode() for text in (fact, *texts, *(json.dumps(each)[1:-1] for each in texts)))

    def rows(self, table: pd.DataFrame) -> pd.Series:
        """Return per row of a table whether it is about the track."""
        known = {self.audio_sha256, *self.track_ids, *self.paths}
        found = pd.Series(data=False, index=table.index)
        for column in ID_COLUMNS:
            if column in table:
                found |= table[column].isin(known)
        return found

    def are_in(self, path: Path) -> bool:
        """Whether a file holds something of the track; what kind of file it is, is told by its content."""
        content = path.read_bytes()
        if content.startswith(PARQUET):
            return self._in_parquet(content)
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        if content[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and length <= min(len(content), MOST_HEADER_BYTES):
            return self.audio_sha256.encode() in content[LENGTH_BYTES : LENGTH_BYTES + length]  # safetensors
        if any(name in content for name in self._names):
            return True
        return hashlib.sha256(content).hexdigest() == self.audio_sha256

    def _in_parquet(self, content: bytes) -> bool:
        try:
            return bool(self.rows(pd.read_parquet(io.BytesIO(content))).any())
        except (OSError, ValueError, pa.ArrowException):  # a damaged object: whatever it held, nobody can read it
            return False
