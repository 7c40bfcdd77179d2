"""The lock of a store that lies anywhere, so that no two runs write to it. The system frees it when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from soundatlas.errors import StoreError
from soundatlas.files import making_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME = ".lock"  # within the store: beside it may be another disk, or nothing that we may write to


@contextlib.contextmanager
def holding_store(folder: Path) -> Iterator[None]:
    """Keep other runs from writing to a store during the block; its folder is made where it is not there.

    A project's own store needs none: DVC and the workspace's lock guard it.

    Raises:
        StoreError: when another run is at work in it.
    """
    with making_in(folder):
        lock = (folder / LOCK_NAME).open("a")  # not "w": it may be a link
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            todo = "wait until it has ended, and run it again"
            raise StoreError(f"another run is at work in {folder}: {todo}") from None
        except OSError as error:  # some network folders know no locks
            raise StoreError(f"{folder} cannot be locked ({error.strerror}): name a folder on another disk") from None
        yield
