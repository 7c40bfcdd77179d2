"""Computing a track on a cluster's worker such that a bad track costs that track, and nothing else.

A decoder that crashes would take the cluster's worker along, and a runner gives the work of a lost worker to the next
one, which then dies of the same file. So each thread of a worker lends its tracks to a process of its own.
"""

from __future__ import annotations

import queue
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from soundatlas.attempts import persist
from soundatlas.workers import SingleWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soundatlas.attempts import Outcome

Item = TypeVar("Item")
Value = TypeVar("Value")

PAUSE_SECONDS = 0.1  # before the second attempt, and four times that before each further one: a storage may be away
LONGEST_PAUSE_SECONDS = 10.0

OTHER_CODE = "the workers have another version of soundatlas: install the one that starts the job on each of them"

_idle: queue.LifoQueue[SingleWorker] = queue.LifoQueue()  # of this process; kept from bundle to bundle


def attempt_guarded(attempt: Callable[[SingleWorker], Outcome[Item, Value]], retries: int) -> Outcome[Item, Value]:
    """Let a process of our own work on a track, again where it failed for a reason that may pass.

    Args:
        attempt: is given the process, and says what became of the track.
        retries: how often it is tried again, as of `workers.map_in_workers`.
    """
    numbers = count()

    def attempt_after_pause() -> Outcome[Item, Value]:
        if number := next(numbers):
            time.sleep(min(PAUSE_SECONDS * 4 ** (number - 1), LONGEST_PAUSE_SECONDS))
        return attempt(worker)

    with _lent() as worker:
        return persist(attempt_after_pause, retries)


def stop_guards() -> None:
    """End the processes that wait for more."""
    while True:
        try:
            _idle.get_nowait().stop()
        except queue.Empty:
            return


@contextmanager
def _lent() -> Iterator[SingleWorker]:
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = SingleWorker()
    try:
        yield worker
    finally:
        _idle.put(worker)
