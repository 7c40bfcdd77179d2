"""Files as they arrive in a folder: each once it is whole, as far as one can see from outside."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from soundatlas.sources.inbox import walk_music

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Signature = tuple[int, int, int]  # size in bytes, modification time in nanoseconds, inode
NO_FILE: Signature = (-1, -1, -1)  # of what cannot be looked at, such as a broken link


class Arrivals:
    """What lies in a folder and is no longer being written.

    A file that is still being copied changes its size or its time. One that has done neither for `settle_seconds` is
    taken as whole; should more come after all, it is another file then.

    Args:
        folder: to look at; it is only read.
        settle_seconds: for how long a file must stay as it is.
        clock: seconds that only go forward.
    """

    def __init__(self, folder: Path, settle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[Path, tuple[Signature, float]] = {}
        self._settled = 0
        self.first: set[Path] = set()  # what lay there at the first look
        self._looked = False

    @property
    def moving(self) -> int:
        """Return how many files were not yet taken as whole at the last look."""
        return len(self._since) - self._settled

    def settled(self) -> dict[Path, Signature]:
        """Look again, and return the files that have not changed for long enough, ordered by path."""
        now, before = self._clock(), self._since
        self._since = {}
        for path in walk_music(self.folder):
            signature = _signature(path)
            known = before.get(path)
            self._since[path] = known if known is not None and known[0] == signature else (signature, now)
        if not self._looked:
            self.first, self._looked = set(self._since), True
        found = {
            path: signature
            for path, (signature, since) in sorted(self._since.items())
            if now - since >= self.settle_seconds
        }
        self._settled = len(found)
        return found


def _signature(path: Path) -> Signature:
    try:
        status = path.stat()
    except OSError:
        return NO_FILE
    return status.st_size, status.st_mtime_ns, status.st_ino
