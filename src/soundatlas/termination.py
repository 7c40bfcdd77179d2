"""SIGTERM and Ctrl-C end a run alike: workers end, half-written files go, the next run goes on from what is whole."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

STANDARD_ERROR = 2
AGAIN_SECONDS = 0.01
MOST_TIMES = 100  # a second
STANDING_TIMES = 5  # a wait, or so busy a machine that the thread had no turn meanwhile
STANDARD_LIBRARY = f"{Path(os.__file__).parent}{os.sep}"
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextlib.contextmanager
def ending_cleanly() -> Iterator[None]:
    """Unwind the block on SIGTERM or Ctrl-C; end with one line, and with what a shell says of the signal (143, 130).

    To be used in the main thread, around all that a process does. Ctrl-C raises a `KeyboardInterrupt`, as ever: where
    it is the way to end well, the block returns or exits with 0, and nothing is said. Libraries written in C may turn
    what a signal raises into an error of their own; it is the same end. Where an exception would do harm the end waits
    for some milliseconds, and what was raised where nobody hears of it, as in a `__del__`, is raised once more.
    """
    asked: signal.Signals | None = None
    patience = _Patience()
    is_over = False

    def ask_again(number: int) -> None:
        time.sleep(AGAIN_SECONDS)
        if not is_over:
            os.kill(os.getpid(), number)

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = signal.Signals(number)
        if patience.has_to_wait(frame):
            _thread.start_new_thread(ask_again, (number,))  # `threading` has locks, which may just be taken
        else:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def hear(unraisable: sys.UnraisableHookArgs) -> None:
        if asked is not None and isinstance(unraisable.exc_value, KeyboardInterrupt | SystemExit):
            _thread.start_new_thread(ask_again, (asked,))
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
        is_over = True
        sys.unraisablehook = hook_before
        for number, handler in before.items():
            signal.signal(number, handler)


class _Patience:
    """Whether what a signal raises has to wait, as it would do harm where the main thread is.

    The standard library's locks that are written in Python, of threads, imports and logging, stay taken where an
    exception comes between taking one and the `with` or `try` around it: whoever wants it next waits without end. So
    nothing is raised in the standard library, unless the thread stands still there, as in a wait, or stays too long.
    And nothing is ever raised while a module that is written in C is being made: those made with nanobind, such as
    soxr, call Python for their classes, and abort the process.
    """

    def __init__(self) -> None:
        self._times = self._standing = 0
        self._place: tuple[CodeType, int] | None = None

    def has_to_wait(self, frame: FrameType | None) -> bool:
        if frame is None:
            return False
        place = (frame.f_code, frame.f_lasti)
        self._standing = self._standing + 1 if place == self._place else 0
        self._times, self._place = self._times + 1, place
        is_passing = self._times < MOST_TIMES and self._standing < STANDING_TIMES
        return _makes_module_in_c(frame) or (is_passing and _is_of_the_standard_library(frame.f_code))


def _makes_module_in_c(frame: FrameType | None) -> bool:
    while frame is not None:
        if type(frame.f_locals.get("self")) is ExtensionFileLoader:
            return True
        frame = frame.f_back
    return False


def _is_of_the_standard_library(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith("<frozen ") or (name.startswith(STANDARD_LIBRARY) and "site-packages" not in name)
