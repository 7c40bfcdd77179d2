"""Asking a service about many tracks, one by one: what it told is remembered, and one bad answer costs one track."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from soundatlas.errors import QuotaError, RefusedError, TrackError, WebError
from soundatlas.progress import progress
from soundatlas.sources.rows import failure

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from soundatlas.sources.web.memory import Memory

FRESH_SECONDS = 86_400.0  # for how long "we do not know it" is believed
NOT_FOUND = 404
SILENT = {"timeout", "server_fault", "network"}  # reasons of a `WebError` that speak of the service, not of a track
SILENT_TRACKS = 3  # one after the other: then it is the service that is down


@dataclass(frozen=True)
class Target:
    """A track to ask about.

    Attributes:
        track_id: of the row that it has already.
        isrc: or None.
        artist: or None.
        title: or None.
        duration_seconds: of the whole track, or None.
        ml_use: of the row that it has already.
    """

    track_id: str
    isrc: str | None
    artist: str | None
    title: str | None
    duration_seconds: float | None
    ml_use: str | None

    @property
    def key(self) -> str:
        """What is asked for: the same for all tracks that have one answer."""
        return f"isrc {self.isrc}" if self.isrc else f"name {self.artist}\n{self.title}\n{self.duration_seconds}"


@dataclass
class Told:
    """What came out.

    Attributes:
        found: tracks, and what the service told of each.
        failures: as `rows.failure` makes them.
        resume_after: when the service wants no more requests before that moment.
    """

    found: list[tuple[Target, dict[str, Any]]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    resume_after: dt.datetime | None = None


def look_up(
    targets: Sequence[Target],
    ask: Callable[[Target], dict[str, Any]],
    memory: Memory,
    *,
    site: str,
    usable: Callable[[dict[str, Any]], bool] = lambda _: True,
    remembered_as: Callable[[Target], str] = lambda target: target.key,
) -> Told:
    """Ask about every track whose answer is not remembered; after a quota only what is remembered is told.

    Args:
        targets: each asks for something else.
        ask: returns what to remember of a track; raises `TrackError` when there is nothing.
        memory: to recall from and keep in.
        site: what to call the service.
        usable: whether something remembered is of use still.
        remembered_as: where an answer is remembered: another word for each way of asking.

    Raises:
        WebError: when the service answers nothing for three tracks in a row.
    """
    told, silent = Told(), 0
    with progress(f"asking {site}", len(targets)) as advance:
        for target in targets:
            try:
                answer = _recall(remembered_as(target), memory, usable)
                if answer is None and told.resume_after is None:
                    answer = _ask(target, ask)
                    memory.keep({remembered_as(target): answer})
                silent = 0
            except QuotaError as quota:
                memory.remember_quota(quota.resume_after)
                told.resume_after = quota.resume_after
                answer = None
            except WebError as error:
                silent = silent + 1 if error.reason in SILENT else 0
                if silent == SILENT_TRACKS:
                    raise
                answer = {"failure": ["unreachable" if error.reason in SILENT else "bad_answer", str(error)]}
            if answer is not None:
                _add(told, target, answer, site)
            advance()
    return told


def _add(told: Told, target: Target, answer: dict[str, Any], site: str) -> None:
    if "failure" in answer:
        told.failures.append(failure(f"{site}:{target.track_id}", *answer["failure"]))
    else:
        told.found.append((target, answer["found"]))


def _recall(key: str, memory: Memory, usable: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    answer: dict[str, Any] | None = memory.recall(key)
    if answer is not None and "failure" in answer:
        return memory.recall(key, max_age_seconds=FRESH_SECONDS)  # type: ignore[no-any-return]
    return answer if answer is not None and usable(answer["found"]) else None


def _ask(target: Target, ask: Callable[[Target], dict[str, Any]]) -> dict[str, Any]:
    """Return what to remember; what a broken answer tells is raised, and not remembered."""
    try:
        return {"found": ask(target)}
    except TrackError as error:
        return {"failure": [error.reason, error.message]}
    except RefusedError as refusal:
        if refusal.status != NOT_FOUND:
            raise
        return {"failure": ["not_found", "the service does not know it"]}
