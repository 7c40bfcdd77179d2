"""The lock that a run holds while it works in a project, so that two never meet. The system frees it when it dies."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLL_SECONDS = 1.0


def lock_path(root: Path) -> Path:
    """Return the path of the lock that a run holds."""
    path = root / ".prefect" / "workspace.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def holding_lock(root: Path, on_wait: Callable[[], object]) -> Iterator[None]:
    """Wait until no other run is at work in the project, and keep the others waiting during the block.

    Args:
        root: the project.
        on_wait: called once, when another run is at work.
    """
    lock = FileLock(lock_path(root))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        while not lock.is_locked:
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
