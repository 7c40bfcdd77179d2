"""Tracks in processes of their own: what may pass is tried again, and what is lost is one track."""

from __future__ import annotations

import multiprocessing
from functools import partial

import pytest
import scale_work
import worker_functions

from soundatlas.scale import guards
from soundatlas.scale.guards import attempt_guarded
from soundatlas.workers import retrying


def attempt(function, item, timeout_seconds=120.0, retries=2):
    """Attempt an item in a guarded process."""
    return attempt_guarded(lambda worker: worker.attempt(function, item, timeout_seconds=timeout_seconds), retries)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)


def test_crash_costs_its_track():
    """A decoder that dies is that track's failure; the next track is computed."""
    crashed = attempt(worker_functions.behave, "segfault")
    assert (crashed.value, crashed.failure.reason) == (None, "crashed")
    assert attempt(worker_functions.behave, "good").value == "GOOD"


def test_hang_costs_its_track():
    """A decoder that hangs is ended after the time for one attempt."""
    assert attempt(worker_functions.behave, "hang", 0.1, retries=0).failure.reason == "timeout"


def test_passing_reason_is_tried_again_so_often_and_no_more(tmp_path):
    """A reason that may pass is given as many attempts as the engine without a cluster; one in the bytes has one."""
    notes = tmp_path / "attempts"
    guarded = attempt(scale_work.unreadable, str(notes))
    assert notes.read_text().count("attempt") == 3
    (here,) = retrying(2)(scale_work.unreadable, [str(notes)], timeout_seconds=120.0, workers=1)
    assert guarded.failure.reason == "unreadable"
    assert guarded.failure.message == here.failure.message
    assert "after 3 attempts" in guarded.failure.message
    assert len(attempt(worker_functions.behave, "track error").attempts) == 1


def test_worker_that_is_a_daemon_may_guard():
    """Dask's workers are daemons: there, too, a track is computed in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=partial(_guard_in_daemon, queue), daemon=True)
    process.start()
    process.join(60)
    assert queue.get() == "GOOD"


def _guard_in_daemon(queue) -> None:
    queue.put(attempt(worker_functions.behave, "good").value)
