"""Functions that tests hand to worker processes: what decoders do, good and bad."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


class TwoPartError(Exception):
    """An exception of a kind that libraries raise and that cannot be unpickled."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")


class NarrowTrackError(TrackError):
    """A kind of `TrackError` that cannot be unpickled either."""

    def __init__(self) -> None:
        super().__init__("truncated", "ends after 3 of 4 frames")


RAISED = {
    "track error": TrackError("not_audio", "holds a shopping list"),
    "narrow track error": NarrowTrackError(),
    "unexpected": ZeroDivisionError("frames by zero"),
    "cannot be unpickled": TwoPartError(3, "bad header"),
    "network timeout": TimeoutError("no answer"),
    "system exit": SystemExit(5),
    "interrupt": KeyboardInterrupt(),
    "memory": MemoryError(),
}


def behave(item: str) -> object:
    """Do what the item says; anything unknown comes back in upper case."""
    if item in RAISED:
        raise RAISED[item]
    match item:
        case "exit":
            os._exit(7)
        case "quiet exit":
            os._exit(0)
        case "segfault":
            ctypes.string_at(0)
        case "out of memory":  # the system's way to get some back
            os.kill(os.getpid(), signal.SIGKILL)
        case "asked to end":  # as a whole family of processes is, by its head's
            os.kill(os.getpid(), signal.SIGTERM)
        case "hang":
            time.sleep(600)
        case "which process":
            return os.getpid()
        case "value cannot be pickled":
            return lambda: item
    return item.upper()


def wait_by_rank(rank: int) -> tuple[int, int]:
    """Take longer for lower ranks, so that they end in the wrong order."""
    time.sleep(0.05 * max(0, 4 - rank))
    return rank, os.getpid()


def read_variable(name: str) -> str | None:
    """Tell what the environment says."""
    return os.environ.get(name)


def imported(name: str) -> bool:
    """Tell whether this process has imported a module."""
    return name in sys.modules


def make_array(size: int) -> np.ndarray:
    """Give an array whose values tell its size."""
    import numpy as np

    return np.full(size, size, np.float32)


def mark(path: Path) -> bytes:
    """Leave a file that tells that this item was begun, and give something to hold."""
    path.touch()
    return bytes(1000)


def hang(path: Path) -> None:
    """Write this process's id into a file, and never return; other threads of the process go on."""
    _tell_pid(path)
    time.sleep(600)


def hang_alone(path: Path) -> None:
    """Write this process's id into a file, and never return, nor let another thread of the process run."""
    _tell_pid(path)
    ctypes.PyDLL(None).sleep(600)


def _tell_pid(path: Path) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(str(os.getpid()))
    beside.replace(path)
