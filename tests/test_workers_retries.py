"""Trying again what may pass, and taking down each attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import passing_crash
import pytest
import worker_functions

from soundatlas.workers import retrying

if TYPE_CHECKING:
    from soundatlas.attempts import Outcome

LONG = 120.0  # seconds that no healthy item takes


def _retried(item: str, retries: int, timeout_seconds: float = LONG) -> Outcome[str, object]:
    map_jobs = retrying(retries)
    [outcome] = map_jobs(worker_functions.behave, [item], timeout_seconds=timeout_seconds, workers=1)
    return outcome


def test_what_may_pass_is_tried_again_in_a_fresh_worker(tmp_path) -> None:
    """A crash that does not come back costs nothing but the time."""
    map_jobs = retrying(1)
    [outcome] = map_jobs(passing_crash.crash_once, [str(tmp_path / "crashed")], timeout_seconds=LONG, workers=1)
    assert (outcome.value, outcome.failure) == ("fine", None)
    assert [attempt.failure and attempt.failure.reason for attempt in outcome.attempts] == ["crashed", None]


@pytest.mark.parametrize(("item", "reason", "limit"), [("exit", "crashed", LONG), ("hang", "timeout", 1.0)])
def test_retries_have_a_limit(item: str, reason: str, limit: float) -> None:
    """What fails each time fails in the end, and says after how many attempts."""
    outcome = _retried(item, 2, limit)
    assert [attempt.failure and attempt.failure.reason for attempt in outcome.attempts] == [reason] * 3
    assert str(outcome.failure).endswith(", after 3 attempts")


def test_what_lies_in_the_bytes_is_not_tried_again() -> None:
    """A file that is no audio is none the second time."""
    outcome = _retried("track error", 5)
    assert len(outcome.attempts) == 1
    assert str(outcome.failure) == "not_audio: holds a shopping list"


def test_an_attempt_knows_when_and_how_long() -> None:
    """Its time begins when the worker has started, and lies within the caller's."""
    before = time.time()
    [attempt] = _retried("a", 0).attempts
    assert before <= attempt.began <= attempt.began + attempt.seconds <= time.time()
