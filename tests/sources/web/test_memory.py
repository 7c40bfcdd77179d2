"""What a service has told, kept between runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from soundatlas.errors import QuotaError, SoundatlasError
from soundatlas.sources.base import Listing
from soundatlas.sources.web.memory import FILE, open_memory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.time import QuickTime


def test_what_is_kept_is_there_in_the_next_run(tmp_path: Path, quick_time: QuickTime) -> None:
    """Answers outlive the process, each with its age."""
    with open_memory(tmp_path, quick_time.clock) as memory:
        memory.keep({"page a\n0": [1], "page a\n50": [2], "page ab\n0": [3]})
    quick_time.passed = 100.0
    with open_memory(tmp_path, quick_time.clock) as memory:
        assert memory.recall_all("page a\n") == {"0": [1], "50": [2]}
        assert memory.recall("page a\n0", max_age_seconds=100) == [1]
        assert memory.recall("page a\n0", max_age_seconds=99) is None
        assert memory.recall("nothing") is None


def test_what_is_forgotten_is_asked_for_again(tmp_path: Path, quick_time: QuickTime) -> None:
    """Forgetting a prefix leaves what begins otherwise, also where the prefix holds signs of a pattern."""
    with open_memory(tmp_path, quick_time.clock) as memory:
        memory.keep({"page 100%\n0": 1, "page 100\n0": 2, "page 1000\n0": 3})
        memory.forget("page 100%\n")
        assert memory.recall_all("page ") == {"100\n0": 2, "1000\n0": 3}


def test_some_answers_are_kept_all_or_none(tmp_path: Path, quick_time: QuickTime) -> None:
    """When one of several cannot be written, none of them is there."""
    with open_memory(tmp_path, quick_time.clock) as memory:
        with pytest.raises(TypeError):
            memory.keep({"good": 1, "bad": object()})
        assert memory.recall("good") is None


def test_a_quota_outlives_everything_that_is_forgotten(tmp_path: Path, quick_time: QuickTime) -> None:
    """Until when a service wants no more requests is remembered, by us or by the listing, and ends by itself."""
    soon = dt.datetime.fromtimestamp(quick_time.clock.now() + 60, tz=dt.UTC)
    later = soon + dt.timedelta(seconds=60)
    with open_memory(tmp_path, quick_time.clock) as memory:
        memory.refuse_before_quota_ends("echo", None)
        memory.remember_quota(soon)
        memory.forget_answers()
        with pytest.raises(QuotaError) as caught:
            memory.refuse_before_quota_ends("echo", Listing(resume_after=later))
        assert caught.value.resume_after == later
        quick_time.passed = 61.0
        memory.refuse_before_quota_ends("echo", None)


def test_a_damaged_memory_is_told(tmp_path: Path, quick_time: QuickTime) -> None:
    """A file that is no database is one line that says what to do."""
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with (
        pytest.raises(SoundatlasError, match="make room if the disk is full, otherwise delete it"),
        open_memory(tmp_path, quick_time.clock),
    ):
        pass
