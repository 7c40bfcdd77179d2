"""Tracks in processes of their own: what may pass is tried again, and what is lost is one track."""

from __future__ import annotations

import multiprocessing
from functools import partial

import pytest
import scale_work
import worker_functions

from soundatlas.scale import guards
from soundatlas.scale.guards import attempt_guarded


def attempt(function, item, timeout_seconds=120.0):
    """Attempt an item in a guarded process."""
    return attempt_guarded(lambda worker: worker.attempt(function, item, timeout_seconds=timeout_seconds))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)


def test_crash_costs_its_track():
    """A decoder that dies is that track's failure; the next track is computed."""
    crashed = attempt(worker_functions.behave, "segfault")
    assert (crashed.value, crashed.failure.reason) == (None, "crashed")
    assert attempt(worker_functions.behave, "good").value == "GOOD"


def test_hang_costs_its_track(monkeypatch):
    """A decoder that hangs is ended after the time for one attempt."""
    monkeypatch.setattr(guards, "ATTEMPTS", 1)
    assert attempt(worker_functions.behave, "hang", 0.1).failure.reason == "timeout"


def test_passing_reason_is_tried_again_so_often_and_no_more(tmp_path):
    """A reason that may pass is given three attempts; one that lies in the bytes has one."""
    notes = tmp_path / "attempts"
    assert attempt(scale_work.unreadable, str(notes)).failure.reason == "unreadable"
    assert notes.read_text().count("attempt") == guards.ATTEMPTS
    assert attempt(worker_functions.behave, "track error").failure.reason == "not_audio"


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
