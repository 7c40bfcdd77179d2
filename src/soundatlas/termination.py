"""SIGTERM and Ctrl-C end a run alike: workers end, half-written files go, the next run goes on from what is whole."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from importlib.machinery import ExtensionFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STANDARD_ERROR = 2
AGAIN_SECONDS = 0.02  # a module that is written in C is made within a few of these
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextlib.contextmanager
def ending_cleanly() -> Iterator[None]:
    """Unwind the block on SIGTERM or Ctrl-C; end with one line, and with what a shell says of the signal (143, 130).

    To be used in the main thread, around all that a process does. Ctrl-C raises a `KeyboardInterrupt`, as ever: where
    it is the way to end well, the block returns or exits with 0, and nothing is said. Libraries written in C may turn
    what a signal raises into an error of their own; it is the same end. While one of them is imported, the end waits.
    """
    asked: signal.Signals | None = None
    again: threading.Timer | None = None

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked, again
        asked = signal.Signals(number)
        if _is_importing_c(frame):
            again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    taken = [number for number in NAMES if signal.getsignal(number) is not signal.SIG_IGN]  # as it is behind `nohup`
    before = {number: signal.signal(number, end) for number in taken}
    try:
        yield
    except BaseException as error:
        ended_well = isinstance(error, SystemExit) and error.code in {0, None}
        if asked is None or ended_well:
            raise
        with contextlib.suppress(OSError):  # whoever read it may be gone
            os.write(STANDARD_ERROR, f"soundatlas: ended by {NAMES[asked]}; run it again to go on\n".encode())
        raise SystemExit(128 + asked) from None
    finally:
        if again is not None:
            again.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_importing_c(frame: FrameType | None) -> bool:
    """Return whether a module that is written in C is being made: one that meets an exception then may abort.

    soxr does, as others that are made with nanobind: their classes are made by calls of Python's `enum`.
    """
    while frame is not None:
        if type(frame.f_locals.get("self")) is ExtensionFileLoader:
            return True
        frame = frame.f_back
    return False
