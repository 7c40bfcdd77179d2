"""What workers attempt goes into the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import worker_functions

from soundatlas.errors import HistoryError
from soundatlas.history.audit import AuditTrail, Step
from soundatlas.history.watching import audited
from soundatlas.workers import retrying

STEP = Step("spectrogram", "contract")


@dataclass(frozen=True)
class Job:
    """What a worker is asked to do for some audio."""

    audio_sha256: str
    item: str


def behave(job: Job) -> object:
    """Do what the job says."""
    return worker_functions.behave(job.item)


def test_an_outcome_is_in_the_trail_before_the_caller_has_it(tmp_path):
    """Whatever the caller then does with it, and whether or not it went well."""
    jobs = [Job("a", "fine"), Job("b", "track error"), Job("c", "exit")]
    with AuditTrail(tmp_path / "audit.db", "test") as trail:
        outcomes = audited(trail, STEP, retrying(1))(behave, jobs, timeout_seconds=120, workers=1)
        seen = {}
        for outcome in outcomes:
            sha = outcome.item.audio_sha256
            seen[sha] = [(each.outcome, each.attempt) for each in trail.of_audio(sha)]
    assert seen == {"a": [("computed", 1)], "b": [("not_audio", 1)], "c": [("crashed", 1), ("crashed", 2)]}


def test_a_trail_that_cannot_be_written_ends_the_run(tmp_path):
    """With one line and not silently, before the outcome is handed on."""
    with AuditTrail(tmp_path / "audit.db", "test") as trail:
        trail._connection.execute("DROP TABLE attempts")
        outcomes = audited(trail, STEP, retrying(0))(behave, [Job("a", "fine")], timeout_seconds=120, workers=1)
        with pytest.raises(HistoryError, match=r"audit\.db cannot be used .*run it again"):
            next(outcomes)
