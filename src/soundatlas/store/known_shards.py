"""Which shards still look as when they were seen to be sound: reading all of them takes as long as the disk does."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from soundatlas.files import read_json, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class KnownShards:
    """Remembers shards by size, modification time and inode.

    Args:
        path: of a JSON file of ours; one that is absent or damaged costs the time to read the shards. None: nothing is
            remembered.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._signatures: object = None
        if path is not None and path.is_file():
            with contextlib.suppress(OSError, ValueError):  # then nothing is known, and all is read
                self._signatures = read_json(path)

    def holds(self, shard: Path) -> bool:
        """Return whether a shard is, by its looks, the one that was remembered."""
        return isinstance(self._signatures, dict) and self._signatures.get(shard.name) == _signature(shard)

    def remember(self, shards: Iterable[Path]) -> None:
        """Remember these shards, which were just written or read, and no others."""
        if self._path is not None:
            write_text(self._path, json.dumps({shard.name: _signature(shard) for shard in shards}, sort_keys=True))


def _signature(shard: Path) -> list[int]:
    status = shard.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
