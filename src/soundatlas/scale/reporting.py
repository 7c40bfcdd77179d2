"""How far a job is: the one who started it looks at which files have come."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soundatlas.progress import Advance
    from soundatlas.scale.places import Place

LOOK_SECONDS = 2.0


@contextmanager
def reporting_progress(place: Place, expected: Mapping[str, int], advance: Advance) -> Iterator[None]:
    """Call `advance` for each file that is written during the block, and at its good end for all others.

    Args:
        place: where the files are written.
        expected: name of a file -> number of steps that it stands for.
        advance: called with numbers of steps.
    """
    before, ended = place.signatures(), threading.Event()
    waiting = dict(expected)

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            now = place.signatures()
            for name in [name for name in waiting if name in now and now[name] != before.get(name)]:
                advance(waiting.pop(name))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    advance(sum(waiting.values()))
