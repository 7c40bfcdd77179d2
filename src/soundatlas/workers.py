"""Running one function over many tracks in worker processes that may die without taking the run along."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from soundatlas.errors import TrackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Item = TypeVar("Item")
Value = TypeVar("Value")

WAITING_PER_WORKER = 4  # tasks handed out ahead, so that memory does not grow with the number of tracks


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
    waiting: deque[tuple[Item, Any]] = deque()
    with ProcessPool(max_workers=count, context=multiprocessing.get_context("spawn")) as pool:
        try:
            for item in items:
                waiting.append((item, pool.schedule(_attempt, args=[function, item], timeout=timeout_seconds)))
                if len(waiting) >= count * WAITING_PER_WORKER:
                    yield _outcome(*waiting.popleft(), timeout_seconds)
            while waiting:
                yield _outcome(*waiting.popleft(), timeout_seconds)
        except BaseException:
            pool.stop()
            raise


def _attempt(function: Callable[[Item], Value], item: Item) -> tuple[Value | None, TrackError | None]:
    """Apply `function` within the worker.

    What it raises does not travel as it is: one exception that cannot be unpickled would break the whole pool, and
    a `SystemExit` would end the run.
    """
    try:
        return function(item), None
    except TrackError as error:
        return None, TrackError(error.reason, error.message)
    except BaseException as error:  # noqa: BLE001 - whatever a library throws at a bad file is that file's row, not the run's end
        return None, TrackError("fault", f"{type(error).__name__}: {error}")


def _outcome(item: Item, future: Any, timeout_seconds: float) -> Outcome[Item, Any]:
    """Wait for one item; what still raises here is the worker's death, or an item that cannot be sent to it."""
    try:
        value, failure = future.result()
    except FutureTimeoutError:
        return Outcome(item, None, TrackError("timeout", f"took longer than {timeout_seconds:g} s"))
    except ProcessExpired as error:
        return Outcome(item, None, TrackError("crashed", f"its worker process died (exit code {error.exitcode})"))
    except Exception as error:  # noqa: BLE001 - as in `_attempt`
        return Outcome(item, None, TrackError("fault", f"{type(error).__name__}: {error}"))
    return Outcome(item, value, failure)
