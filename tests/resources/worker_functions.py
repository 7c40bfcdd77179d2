"""Functions that tests hand to worker processes: what decoders do, good and bad."""

from __future__ import annotations

import os
import signal
import sys
import time

from soundatlas.errors import TrackError


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
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(600)
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
