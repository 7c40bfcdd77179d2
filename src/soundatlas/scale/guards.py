"""Computing a track on a cluster's worker such that a bad track costs that track, and nothing else.

A decoder that crashes would take the cluster's worker along, and a runner gives the work of a lost worker to the next
one, which then dies of the same file. So each thread of a worker lends its tracks to a process of its own.
"""

from __future__ import annotations

import multiprocessing
import queue
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from soundatlas.workers import SingleWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soundatlas.workers import Outcome

Item = TypeVar("Item")
Value = TypeVar("Value")

PASSING_REASONS = frozenset({"crashed", "timeout", "unreadable"})  # may not come back; the others lie in the bytes
ATTEMPTS = 3  # at most, of a track that fails for one of these
PAUSE_SECONDS = 0.1  # before the second attempt, and four times that before the third

OTHER_CODE = "the workers have another version of soundatlas: install the one that starts the job on each of them"

_idle: queue.LifoQueue[SingleWorker] = queue.LifoQueue()  # of this process; kept from bundle to bundle


def attempt_guarded(attempt: Callable[[SingleWorker], Outcome[Item, Value]]) -> Outcome[Item, Value]:
    """Let a process of our own work on a track, again where it failed for a reason that may pass.

    Args:
        attempt: is given the process, and says what became of the track.
    """
    with _lent() as worker:
        for number in range(1, ATTEMPTS + 1):
            outcome = attempt(worker)
            if outcome.failure is None or outcome.failure.reason not in PASSING_REASONS or number == ATTEMPTS:
                break
            time.sleep(PAUSE_SECONDS * 4 ** (number - 1))
    return outcome


def stop_guards() -> None:
    """End the processes that wait for more."""
    while True:
        try:
            _idle.get_nowait().stop()
        except queue.Empty:
            return


@contextmanager
def _lent() -> Iterator[SingleWorker]:
    process = multiprocessing.current_process()
    if process.daemon:  # as Dask starts its workers, and multiprocessing lets no daemon have children
        process.daemon = False
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = SingleWorker()
    try:
        yield worker
    finally:
        _idle.put(worker)
