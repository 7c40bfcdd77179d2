"""SIGTERM ends a run as Ctrl-C does: workers end, half-written files go, the next run goes on from what is whole."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EXIT_CODE = 128 + signal.SIGTERM  # 143: what a shell says of a process that SIGTERM ended
STANDARD_ERROR = 2
TOLD = b"soundatlas: ended by SIGTERM; run it again to go on\n"


@contextlib.contextmanager
def ending_cleanly() -> Iterator[None]:
    """Unwind the block on SIGTERM, with one line and exit code 143, instead of ending on the spot.

    To be used in the main thread, around all that a process does. Libraries written in C may turn what a signal raises
    into an error of their own; it is the same end.
    """
    asked = False

    def end(*_: object) -> None:
        nonlocal asked
        if not asked:
            with contextlib.suppress(OSError):  # whoever read it may be gone; print is not for signal handlers
                os.write(STANDARD_ERROR, TOLD)
        asked = True
        raise SystemExit(EXIT_CODE)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except BaseException:
        if asked:
            raise SystemExit(EXIT_CODE) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
