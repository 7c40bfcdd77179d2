"""Watching workers: what they attempt goes into the audit trail."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from soundatlas.attempts import MapJobs, Outcome
    from soundatlas.history.audit import AuditTrail, Step

Item = TypeVar("Item")
Value = TypeVar("Value")


class AudioJob(Protocol):
    """A job about one track."""

    @property
    def audio_sha256(self) -> str:
        """Of the track's bytes."""


def audited(trail: AuditTrail, step: Step, map_jobs: MapJobs) -> MapJobs:
    """Return `map_jobs` such that each outcome is in the trail before the caller has it.

    Args:
        trail: open as long as outcomes come.
        step: what is being made.
        map_jobs: over items that are an `AudioJob` each.
    """

    def watch(
        function: Callable[[Item], Value], items: Iterable[Item], *, timeout_seconds: float, workers: int | None = None
    ) -> Generator[Outcome[Item, Value], None, None]:
        with closing(map_jobs(function, items, timeout_seconds=timeout_seconds, workers=workers)) as outcomes:
            for outcome in outcomes:
                trail.note(step, [(cast("AudioJob", outcome.item).audio_sha256, outcome.attempts)])
                yield outcome

    return watch
