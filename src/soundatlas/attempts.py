"""What becomes of one item of work, and how often it is tried: the same for workers here and on a cluster."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Item = TypeVar("Item")
Value = TypeVar("Value")

PASSING_REASONS = frozenset({"crashed", "timeout", "unreadable"})  # may not come back; the others lie in the bytes


@dataclass(frozen=True)
class Attempt:
    """One time that a worker was at an item.

    Attributes:
        began: Unix time, in seconds; the worker has started and imported what it needs.
        seconds: until the answer, or until the worker was given up.
        failure: None when it went well.
    """

    began: float
    seconds: float
    failure: TrackError | None


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item: `value` when it went well, otherwise `failure`; and by which attempts."""

    item: Item
    value: Value | None
    failure: TrackError | None
    attempts: tuple[Attempt, ...] = ()


class MapJobs(Protocol):
    """`workers.map_in_workers`, or something around it that watches the outcomes as they come."""

    def __call__(
        self,
        function: Callable[[Item], Value],
        items: Iterable[Item],
        *,
        timeout_seconds: float,
        workers: int | None = None,
    ) -> Generator[Outcome[Item, Value], None, None]:
        """Apply `function` to every item, as `workers.map_in_workers` does."""


def persist(attempt: Callable[[], Outcome[Item, Value]], retries: int) -> Outcome[Item, Value]:
    """Attempt an item until it goes well, fails for a reason that stays, or has been tried often enough.

    Args:
        attempt: works on the item once.
        retries: how often it is tried again after a reason of `PASSING_REASONS`.

    Returns:
        The last outcome, with the attempts of all; its failure says how many there were.
    """
    attempts: list[Attempt] = []
    for number in itertools.count(1):
        outcome = attempt()
        attempts += outcome.attempts
        failure = outcome.failure
        if failure is None or failure.reason not in PASSING_REASONS or number > retries:
            break
    if failure is not None and number > 1:
        failure = TrackError(failure.reason, f"{failure.message}, after {number} attempts")
    return replace(outcome, failure=failure, attempts=tuple(attempts))
