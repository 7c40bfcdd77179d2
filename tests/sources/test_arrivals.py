"""Files as they arrive: each once it is whole."""

from __future__ import annotations

import os

import pytest

from soundatlas.sources.arrivals import Arrivals


@pytest.fixture
def clock():
    """Give a clock that stands until it is moved."""

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    return Clock()


@pytest.fixture
def arrivals(tmp_path, clock) -> Arrivals:
    """Give a folder that is looked at."""
    return Arrivals(tmp_path, 2.0, clock)


def names(arrivals: Arrivals) -> list[str]:
    """Look, and return what is taken as whole."""
    return [path.name for path in arrivals.settled()]


def test_file_is_taken_once_it_stays_as_it_is(arrivals, tmp_path, clock):
    """A file that is being copied waits, however long that takes; two seconds after the last byte it is whole."""
    path = tmp_path / "a.wav"
    for size in range(1, 5):
        path.write_bytes(b"x" * size)
        assert names(arrivals) == []
        assert arrivals.moving == 1
        clock.now += 1.9
    assert names(arrivals) == []
    clock.now += 0.2
    assert names(arrivals) == ["a.wav"]
    assert arrivals.moving == 0


def test_time_alone_is_a_change(arrivals, tmp_path, clock):
    """A file of full size that is still being filled changes its time."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"0000")
    names(arrivals)
    clock.now = 2.0
    os.utime(path, ns=(0, 1))
    assert names(arrivals) == []
    clock.now = 4.0
    assert names(arrivals) == ["a.wav"]


def test_changed_file_is_another_one(arrivals, tmp_path, clock):
    """A file that changes after it was taken waits again, and then has another signature."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    names(arrivals)
    clock.now = 2.0
    first = arrivals.settled()
    path.write_bytes(b"other")
    assert names(arrivals) == []
    clock.now = 4.0
    assert arrivals.settled()[path] != first[path]


def test_what_cannot_be_looked_at_is_not_overlooked(arrivals, tmp_path, clock):
    """A broken link is taken too, for the listing to say what is wrong with it; hidden files and notes are not."""
    (tmp_path / "broken.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".part.wav").touch()
    (tmp_path / "notes.txt").touch()
    names(arrivals)
    clock.now = 2.0
    assert names(arrivals) == ["broken.wav"]
    assert arrivals.first == {tmp_path / "broken.wav"}


def test_empty_or_absent_folder_is_nothing(tmp_path):
    """A folder that goes away and comes back is no fault."""
    assert Arrivals(tmp_path / "absent", 0.0).settled() == {}
