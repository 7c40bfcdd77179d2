"""Running one function over many tracks in worker processes that may die without taking the run along.

Each worker has a pipe of its own: whatever becomes of it concerns only the item that it was working on.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from soundatlas.attempts import Attempt, Outcome, persist
from soundatlas.backlog import Backlog
from soundatlas.child_process import SpawnedProcess, copies_with
from soundatlas.errors import SoundatlasError, TrackError, UsageError
from soundatlas.worker_process import GRACE_SECONDS, fault, pack, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from soundatlas.attempts import MapJobs
    from soundatlas.child_process import ChildProcess
    from soundatlas.message_pipe import MessagePipe

Item = TypeVar("Item")
Value = TypeVar("Value")

WAITING_PER_WORKER = 4  # tasks handed out ahead, so that memory does not grow with the number of tracks
MOST_HELD_BYTES = 1 << 28  # of values that wait for their turn, so that memory does not grow with the tracks' length
START_SECONDS = 300.0  # that a process may take to import what it needs


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
    retries: int = 0,
) -> Generator[Outcome[Item, Value], None, None]:
    """Apply `function` to every item in worker processes and yield the outcomes in the items' order.

    A worker that crashes, is killed, or works on an item for longer than `timeout_seconds` is replaced and costs that
    one item, once the new one has failed at it too. At most a few items per worker are under way at once, and no
    further one is begun while large values wait to be taken. No worker outlives this process, however it ends.

    Args:
        function: a module-level function of one argument.
        items: picklable arguments.
        timeout_seconds: longest time for one item, in seconds.
        workers: number of processes; `worker_count()` by default.
        retries: how often an item is tried again that failed for a reason of `attempts.PASSING_REASONS`.
    """
    from concurrent.futures import ThreadPoolExecutor  # not before it is needed: it takes as long as a short clip

    count = workers or worker_count()
    early = [_early.pop() for _ in range(min(count, len(_early)))]
    crew = [*(_Worker() for _ in range(count - len(early))), *early]
    idle: queue.LifoQueue[_Worker] = queue.LifoQueue()  # last in, first out: few items start few processes
    for worker in crew:
        idle.put(worker)
    backlog = Backlog(MOST_HELD_BYTES)

    def attempt(number: int, item: Item) -> tuple[Outcome[Item, Value], int]:
        backlog.wait_for_room(number)
        worker = idle.get()
        try:
            outcome, size = worker.persist(function, item, timeout_seconds, retries)
        finally:
            idle.put(worker)
        backlog.hold(size)
        return outcome, size

    waiting: deque[Future[tuple[Outcome[Item, Value], int]]] = deque()

    def take_next() -> Outcome[Item, Value]:
        outcome, size = waiting.popleft().result()
        backlog.release(size)
        return outcome

    try:
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
                _stop(crew)
                backlog.stop()
    finally:
        for worker in crew:  # no thread reads there any more
            worker.close()


class _Answer(NamedTuple):
    """What became of an item: a value or a failure, and how many bytes the answer took."""

    value: Any
    failure: TrackError | None
    size: int = 0


@contextmanager
def early_workers(*preload: str, workers: int | None = None) -> Iterator[None]:
    """Start workers now, for the first `map_in_workers` of the block.

    A process that has no threads yet imports what they need, and copies itself. Another one starts a single process,
    which imports that while its caller goes on.

    Args:
        preload: modules that the function will need.
        workers: number of processes; `worker_count()` by default.
    """
    copies = copies_with(preload, workers or worker_count())
    early = [_Worker(preload, copy) for copy in copies] or [_Worker(preload)]
    for worker in early:
        worker.start()
    _early.extend(early)
    try:
        yield
    finally:
        _stop(early)
        for worker in early:
            worker.close()
        _early[:] = [worker for worker in _early if worker not in early]


def retrying(retries: int) -> MapJobs:
    """Return `map_in_workers` with a limit of retries."""
    return partial(map_in_workers, retries=retries)


class _Worker:
    """One process, started when it is first needed and again after a death."""

    _processes = threading.Lock()  # for all workers: starting and reaping processes is not safe in several threads
    _stopped = False
    _began: float | None = None  # of the item that it is at, by `time.perf_counter`; None before it has begun
    _pipe: MessagePipe

    def __init__(self, preload: tuple[str, ...] = (), process: ChildProcess | None = None) -> None:
        self._preload, self._process = preload, process
        if process is not None:
            self._pipe = process.pipe

    def persist(
        self, function: Callable[[Item], Value], item: Item, timeout_seconds: float, retries: int
    ) -> tuple[Outcome[Item, Value], int]:
        """Attempt an item until it goes well, fails for a reason that stays, or has been tried often enough.

        Returns:
            What became of it, and how many bytes the answer took.
        """
        size = 0

        def once() -> Outcome[Item, Value]:
            nonlocal size
            outcome, size = self.attempt_once(function, item, timeout_seconds)
            return outcome

        return persist(once, retries), size

    def attempt_once(
        self, function: Callable[[Item], Value], item: Item, timeout_seconds: float
    ) -> tuple[Outcome[Item, Value], int]:
        """Attempt an item, and look at the clock; return what became of it, and how many bytes the answer took."""
        self._began = None
        value, failure, size = self.attempt(function, item, timeout_seconds)
        seconds = 0.0 if self._began is None else time.perf_counter() - self._began
        return Outcome(item, value, failure, (Attempt(time.time() - seconds, seconds, failure),)), size

    def attempt(self, function: Callable[[Item], Value], item: Item, timeout_seconds: float) -> _Answer:
        """Have the process apply `function` to `item`, and wait for its value or what became of it."""
        try:
            request = pack(function, item, timeout_seconds)
        except Exception as error:  # noqa: BLE001 - an item that cannot be sent is that item's row
            return _Answer(None, fault(error))
        self.start()
        try:
            self._pipe.send_bytes(request)
            if not self._pipe.poll(START_SECONDS):
                return self._give_up(f"its worker process did not start within {START_SECONDS:g} s")
            self._pipe.recv_bytes()  # it has imported what it needs; the time of starting is not the item's
            self._began = time.perf_counter()
            if not self._pipe.poll(timeout_seconds):
                return self._give_up(f"took longer than {timeout_seconds:g} s")
            (value, failure), size = receive(self._pipe)
        except (EOFError, OSError):
            code = self._end(GRACE_SECONDS)
            return _Answer(None, TrackError("crashed", f"its worker process died (exit code {code})"))
        except Exception as error:  # noqa: BLE001 - a value that cannot be received is that item's row
            self._end()  # more of the answer may be on its way
            return _Answer(None, fault(error))
        return _Answer(value, failure, size)

    def stop(self, *, wait: bool = True) -> None:
        """End the process, whatever it is doing, for good."""
        with self._processes:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
                if wait:
                    self._process.join()

    def close(self) -> None:
        """Close the connection to a process that was stopped."""
        if self._process is not None:
            self._process.pipe.close()

    def _give_up(self, why: str) -> _Answer:
        self._end()
        return _Answer(None, TrackError("timeout", why))

    def start(self) -> None:
        """Start the process where none runs; what it imports first is no part of any item's time."""
        with self._processes:
            if self._stopped:
                raise RuntimeError("the worker was stopped")  # nobody waits for this item any more
            if self._process is not None and self._process.is_alive():
                return
            try:
                self._process = SpawnedProcess(self._preload)
            except OSError as error:  # too many processes or open files, or no memory for one more
                todo = "end other programs, or set SOUNDATLAS_WORKERS to fewer"
                raise SoundatlasError(f"no worker process can be started ({error.strerror}): {todo}") from None
            self._pipe = self._process.pipe

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


def _stop(crew: Sequence[_Worker]) -> None:
    """End workers for good: all of them at once, as the system takes milliseconds to clear a process away."""
    for worker in crew:
        worker.stop(wait=False)
    for worker in crew:
        worker.stop()


class SingleWorker:
    """One worker process that is kept from item to item, for a caller who is given his items one by one."""

    def __init__(self) -> None:
        self._worker = _Worker()

    def attempt(self, function: Callable[[Item], Value], item: Item, *, timeout_seconds: float) -> Outcome[Item, Value]:
        """Apply `function` to an item once, as `map_in_workers` does; the process is started where there is none."""
        outcome, _ = self._worker.attempt_once(function, item, timeout_seconds)
        return outcome

    def stop(self) -> None:
        """End the process for good."""
        self._worker.stop()
        self._worker.close()


_early: list[_Worker] = []
