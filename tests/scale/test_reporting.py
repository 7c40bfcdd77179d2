"""Progress is what has been written, seen from outside."""

from __future__ import annotations

import threading

import pytest

from soundatlas.scale import reporting
from soundatlas.scale.places import Place
from soundatlas.scale.reporting import reporting_progress


def test_files_are_counted_as_they_come(tmp_path, monkeypatch):
    """A file that is new or replaced counts once; at the end the rest is done, such as what only failed."""
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.01)
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "kept").write_bytes(b"kept")
    steps, seen = [], threading.Event()

    def advance(count: int = 1) -> None:
        steps.append(count)
        if sum(steps) >= 5:
            seen.set()

    with reporting_progress(Place(str(tmp_path)), {"new": 2, "old": 3, "kept": 4, "never": 7}, advance):
        (tmp_path / "new").write_bytes(b"new")
        (tmp_path / "old").write_bytes(b"replaced")
        assert seen.wait(60)
        assert sum(steps) == 5
    assert steps[-1] == 11


def test_job_that_fails_is_not_shown_as_done(tmp_path):
    """What was not written is not counted when the block raises."""
    steps = []
    with pytest.raises(ZeroDivisionError), reporting_progress(Place(str(tmp_path)), {"a": 1}, steps.append):
        _ = 1 / 0
    assert steps == []
