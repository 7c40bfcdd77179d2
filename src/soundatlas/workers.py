"""Running one function over many tracks in worker processes that may die without taking the run along.

Each worker has a pipe of its own: whatever becomes of it concerns only the item that it was working on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from soundatlas.errors import TrackError, UsageError
from soundatlas.worker_process import GRACE_SECONDS, fault, pack, receive, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Item = TypeVar("Item")
Value = TypeVar("Value")

WAITING_PER_WORKER = 4  # tasks handed out ahead, so that memory does not grow with the number of tracks
MOST_HELD_BYTES = 1 << 28  # of values that wait for their turn, so that memory does not grow with the tracks' length
START_SECONDS = 300.0  # that a process may take to import what it needs
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item: `value` when it went well, otherwise `failure`."""

    item: Item
    value: Value | None
    failure: TrackError | None


def worker_count() -> int:
    """Return the number of worker processes: `SOUNDATLAS_WORKERS`, by default one per processor.

    The environment and not `params.yaml` holds it, since no result depends on it.

    Raises:
        UsageError: when the variable is no positive whole number.
    """
    text = os.environ.get("SOUNDATLAS_WORKERS", "").strip()
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"SOUNDATLAS_WORKERS is {text!r}: give a whole number of at least 1")
    return int(text)


def map_in_workers(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    timeout_seconds: float,
    workers: int | None = None,
) -> Generator[Outcome[Item, Value], None, None]:
    """Apply `function` to every item in worker processes and yield the outcomes in the items' order.

    A worker that crashes, is killed, or works on an item for longer than `timeout_seconds` is replaced and costs that
    one item. At most a few items per worker are under way at once, and no further one is begun while large values wait
    to be taken. No worker outlives this process, however it ends.

    Args:
        function: a module-level function of one argument.
        items: picklable arguments.
        timeout_seconds: longest time for one item, in seconds.
        workers: number of processes; `worker_count()` by default.
    """
    count = workers or worker_count()
    crew = [_Worker() for _ in range(count)]
    idle: queue.LifoQueue[_Worker] = queue.LifoQueue()  # last in, first out: few items start few processes
    for worker in crew:
        idle.put(worker)
    backlog = _Backlog()

    def attempt(number: int, item: Item) -> tuple[Outcome[Item, Value], int]:
        backlog.wait_for_room(number)
        worker = idle.get()
        try:
            value, failure, size = worker.attempt(function, item, timeout_seconds)
        finally:
            idle.put(worker)
        backlog.hold(size)
        return Outcome(item, value, failure), size

    waiting: deque[Future[tuple[Outcome[Item, Value], int]]] = deque()

    def take_next() -> Outcome[Item, Value]:
        outcome, size = waiting.popleft().result()
        backlog.release(size)
        return outcome

    with ThreadPoolExecutor(max_workers=count) as threads:  # a thread sits and waits for each worker
        try:
            for number, item in enumerate(items):
                waiting.append(threads.submit(attempt, number, item))
                if len(waiting) >= count * WAITING_PER_WORKER:
                    yield take_next()
            while waiting:
                yield take_next()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for worker in crew:
                worker.stop()
            backlog.stop()


class _Backlog:
    """How many bytes of values wait for their turn; when they are many, only the item that all wait for may begin."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = self._taken = 0
        self._stopped = False

    def wait_for_room(self, number: int) -> None:
        """Return when the item of this number, counted from 0, may begin."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or number == self._taken or self._held < MOST_HELD_BYTES)

    def hold(self, size: int) -> None:
        """Count a value that waits from now on."""
        with self._changed:
            self._held += size

    def release(self, size: int) -> None:
        """Discount the value that was taken; the next one's turn has come."""
        with self._changed:
            self._held -= size
            self._taken += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Let all go on who wait: their workers are stopped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _Attempt(NamedTuple):
    """What became of an item: a value or a failure, and how many bytes the answer took."""

    value: Any
    failure: TrackError | None
    size: int = 0


class _Worker:
    """One process, started when it is first needed and again after a death."""

    _processes = threading.Lock()  # for all workers: starting and reaping processes is not safe in several threads
    _process: SpawnProcess | None = None
    _pipe: Connection
    _stopped = False

    def attempt(self, function: Callable[[Item], Value], item: Item, timeout_seconds: float) -> _Attempt:
        """Have the process apply `function` to `item`, and wait for its value or what became of it."""
        try:
            request = pack(function, item, timeout_seconds)
        except Exception as error:  # noqa: BLE001 - an item that cannot be sent is that item's row
            return _Attempt(None, fault(error))
        self._start()
        try:
            self._pipe.send_bytes(request)
            if not self._pipe.poll(START_SECONDS):
                return self._give_up(f"its worker process did not start within {START_SECONDS:g} s")
            self._pipe.recv_bytes()  # it has imported what it needs; the time of starting is not the item's
            if not self._pipe.poll(timeout_seconds):
                return self._give_up(f"took longer than {timeout_seconds:g} s")
            (value, failure), size = receive(self._pipe)
        except (EOFError, OSError):
            code = self._end(GRACE_SECONDS)
            return _Attempt(None, TrackError("crashed", f"its worker process died (exit code {code})"))
        except Exception as error:  # noqa: BLE001 - a value that cannot be received is that item's row
            self._end()  # more of the answer may be on its way
            return _Attempt(None, fault(error))
        return _Attempt(value, failure, size)

    def stop(self) -> None:
        """End the process, whatever it is doing, for good."""
        with self._processes:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
                self._process.join()

    def _give_up(self, why: str) -> _Attempt:
        self._end()
        return _Attempt(None, TrackError("timeout", why))

    def _start(self) -> None:
        with self._processes:
            if self._stopped:
                raise RuntimeError("the worker was stopped")  # nobody waits for this item any more
            if self._process is not None and self._process.is_alive():
                return
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs,), daemon=True)
            with _single_threaded():
                self._process.start()
            theirs.close()  # the process holds the only other end, so that its death is read as the end of the pipe

    def _end(self, grace_seconds: float = 0.0) -> int | None:
        """Return the process's exit code, after ending it where it does not end by itself within the grace."""
        with self._processes:
            if self._process is None:
                return None
            self._process.join(grace_seconds)
            self._process.kill()
            self._process.join()
            code, self._process = self._process.exitcode, None
            self._pipe.close()
            return code


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Let a process that starts now keep to one thread, unless the user has said otherwise.

    Every worker would start as many BLAS threads as there are processors, and they take them from each other: on two
    processors a log-mel cost twice the time. They read this when they are imported.
    """
    added = {name: "1" for name in THREAD_VARIABLES if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
