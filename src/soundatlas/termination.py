"""SIGTERM and Ctrl-C end a run alike: workers end, half-written files go, the next run goes on from what is whole."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from importlib.machinery import ExtensionFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STANDARD_ERROR = 2
AGAIN_SECONDS = 0.01
IMPORTS = "<frozen importlib"
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextlib.contextmanager
def ending_cleanly() -> Iterator[None]:
    """Unwind the block on SIGTERM or Ctrl-C; end with one line, and with what a shell says of the signal (143, 130).

    To be used in the main thread, around all that a process does. Ctrl-C raises a `KeyboardInterrupt`, as ever: where
    it is the way to end well, the block returns or exits with 0, and nothing is said. Libraries written in C may turn
    what a signal raises into an error of their own; it is the same end. In the midst of an import the end waits, and
    what was raised where nobody hears of it, as in a `__del__`, is raised once more.
    """
    asked: signal.Signals | None = None
    again: threading.Timer | None = None

    def ask_again(number: int) -> None:
        nonlocal again
        again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = signal.Signals(number)
        if _is_importing(frame):
            ask_again(number)
        else:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def hear(unraisable: sys.UnraisableHookArgs) -> None:
        if asked is not None and isinstance(unraisable.exc_value, KeyboardInterrupt | SystemExit):
            ask_again(asked)
        else:
            hook_before(unraisable)

    taken = [number for number in NAMES if signal.getsignal(number) is not signal.SIG_IGN]  # as it is behind `nohup`
    before = {number: signal.signal(number, end) for number in taken}
    hook_before, sys.unraisablehook = sys.unraisablehook, hear
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
        sys.unraisablehook = hook_before
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_importing(frame: FrameType | None) -> bool:
    """Return whether an exception would come in the midst of an import, and not in the code of a module imported.

    Python's import system may then keep its lock, for which the next thread that imports waits without end. And modules
    that are written in C may abort the process: those made with nanobind, such as soxr, call `enum` for their classes.
    """
    is_in_own_code = False
    while frame is not None:
        if type(frame.f_locals.get("self")) is ExtensionFileLoader:
            return True
        if frame.f_code.co_name == "<module>":
            is_in_own_code = True
        elif not is_in_own_code and frame.f_code.co_filename.startswith(IMPORTS):
            return True
        frame = frame.f_back
    return False
