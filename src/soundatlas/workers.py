"""Running one function over many tracks in worker processes that may die without taking the run along.

Each worker has a pipe of its own: whatever becomes of it concerns only the item that it was working on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from soundatlas.errors import TrackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Item = TypeVar("Item")
Value = TypeVar("Value")

WAITING_PER_WORKER = 4  # tasks handed out ahead, so that memory does not grow with the number of tracks
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
GRACE_SECONDS = 5.0  # for a process that closed its pipe to end by itself


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

    A worker that crashes, or one that works on an item for longer than `timeout_seconds`, is replaced and costs
    that one item. At most a few items per worker are under way at once.

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

    def attempt(item: Item) -> Outcome[Item, Value]:
        worker = idle.get()
        try:
            return Outcome(item, *worker.attempt(function, item, timeout_seconds))
        finally:
            idle.put(worker)

    waiting: deque[Future[Outcome[Item, Value]]] = deque()
    with ThreadPoolExecutor(max_workers=count) as threads:  # a thread sits and waits for each worker
        try:
            for item in items:
                waiting.append(threads.submit(attempt, item))
                if len(waiting) >= count * WAITING_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for worker in crew:
                worker.stop()


class _Worker:
    """One process, started when it is first needed and again after a death."""

    _processes = threading.Lock()  # for all workers: starting and reaping processes is not safe in several threads
    _process: SpawnProcess | None = None
    _pipe: Connection
    _stopped = False

    def attempt(
        self, function: Callable[[Item], Value], item: Item, timeout_seconds: float
    ) -> tuple[Value | None, TrackError | None]:
        """Have the process apply `function` to `item`, and wait for its value or what became of it."""
        try:
            request = pickle.dumps((function, item), pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001 - an item that cannot be sent is that item's row
            return None, _fault(error)
        self._start()
        try:
            self._pipe.send_bytes(request)
            self._pipe.recv_bytes()  # it has imported what it needs; the time of starting is not the item's
            if not self._pipe.poll(timeout_seconds):
                self._end()
                return None, TrackError("timeout", f"took longer than {timeout_seconds:g} s")
            answer = self._pipe.recv_bytes()
        except (EOFError, OSError):
            return None, TrackError("crashed", f"its worker process died (exit code {self._end(GRACE_SECONDS)})")
        try:
            value, failure = pickle.loads(answer)  # noqa: S301 - written by our own process
        except Exception as error:  # noqa: BLE001 - a value that cannot be received is that item's row
            return None, _fault(error)
        return value, failure

    def stop(self) -> None:
        """End the process, whatever it is doing, for good."""
        with self._processes:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
                self._process.join()

    def _start(self) -> None:
        with self._processes:
            if self._stopped:
                raise RuntimeError("the worker was stopped")  # nobody waits for this item any more
            if self._process is not None and self._process.is_alive():
                return
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
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


class SingleWorker:
    """One worker process that is kept from item to item, for a caller who is given his items one by one."""

    def __init__(self) -> None:
        self._worker = _Worker()

    def attempt(self, function: Callable[[Item], Value], item: Item, *, timeout_seconds: float) -> Outcome[Item, Value]:
        """Apply `function` to an item as `map_in_workers` does; the process is started where there is none."""
        return Outcome(item, *self._worker.attempt(function, item, timeout_seconds))

    def stop(self) -> None:
        """End the process for good."""
        self._worker.stop()


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


def _serve(pipe: Connection) -> None:
    """Be a worker: answer each request with a value or a failure, until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's, who ends the workers
    while True:
        try:
            request = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        answer = _attempt(request, pipe)
        pipe.send_bytes(answer)


def _attempt(request: bytes, pipe: Connection) -> bytes:
    """Apply the requested function, and return value and failure as they travel back.

    An exception does not travel as it is: many cannot be unpickled, and a `SystemExit` would end the run.
    """
    begun = False
    try:
        function, item = pickle.loads(request)  # noqa: S301 - written by the process that started this one
        pipe.send_bytes(b"")
        begun = True
        return pickle.dumps((function(item), None), pickle.HIGHEST_PROTOCOL)
    except TrackError as error:
        failure = TrackError(error.reason, error.message)
    except BaseException as error:  # noqa: BLE001 - whatever a library throws at a bad file is that file's row
        failure = _fault(error)
    if not begun:
        pipe.send_bytes(b"")
    return pickle.dumps((None, failure))


def _fault(error: BaseException) -> TrackError:
    return TrackError("fault", f"{type(error).__name__}: {error}")
