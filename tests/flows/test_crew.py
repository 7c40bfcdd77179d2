"""The crew of servers: started together, watched, stopped in the right order."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from flows.crew import Crew, ServerFailedError
from flows.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVE = """
import pathlib, signal, sys, time
def end(*_):
    with open("ended", "a") as out:
        out.write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
pathlib.Path(sys.argv[1] + ".up").touch()
while True:
    time.sleep(1)
"""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def stop() -> dict[str, bool]:
    """Give what says whether the user has asked to stop."""
    return {"asked": False}


@pytest.fixture
def crew(tmp_path: Path, stop: dict[str, bool]):
    """Give a crew, gone after the test."""
    crew = Crew(tmp_path, tmp_path / "logs", lambda: stop["asked"])
    yield crew
    crew.kill()


def server(root: Path, name: str, script: str = SERVE, answers: Callable[[], bool] | None = None) -> Server:
    """Return a server that is up when it has written a file."""
    command = [sys.executable, "-c", script, name]
    return Server(name, command, dict(os.environ), answers or (root / f"{name}.up").exists)


def children() -> list[psutil.Process]:
    """Return the supervisors that this process has started, with what lives below them; not other tests' servers."""
    alive = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    supervisors = [each for each in alive if "soundatlas.supervise" in each.cmdline()]
    return [*supervisors, *(below for each in supervisors for below in each.children(recursive=True))]


def test_the_last_started_is_stopped_first(tmp_path: Path, crew: Crew) -> None:
    """All answer when start returns; stopping goes backwards, and nothing is left."""
    crew.start([server(tmp_path, "one"), server(tmp_path, "two")], 100)
    crew.start([server(tmp_path, "three")], 100)
    assert (tmp_path / "one.up").exists()
    assert (tmp_path / "three.up").exists()
    crew.stop()
    assert (tmp_path / "ended").read_text(encoding="utf-8").split() == ["three", "two", "one"]
    assert children() == []


def test_a_server_that_ends_while_it_starts_is_named(tmp_path: Path, crew: Crew) -> None:
    """The message has the name, the exit code and the end of the log, while the others wait to be stopped."""
    broken = server(tmp_path, "two", "import sys; print('no disk', flush=True); sys.exit(9)")
    with pytest.raises(ServerFailedError) as caught:
        crew.start([server(tmp_path, "one", answers=lambda: False), broken], 100)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("two ended by itself (exit code 9).")
    assert str(tmp_path / "logs/two.log") in first
    assert rest[-1] == "  no disk"
    crew.stop()
    assert children() == []


def test_a_server_that_does_not_answer_is_named(tmp_path: Path, crew: Crew) -> None:
    """Patience ends, and the message has the end of the silent server's log."""

    def says_up() -> bool:
        while not (tmp_path / "dumb.up").exists():
            time.sleep(0.02)
        return False

    with pytest.raises(ServerFailedError, match=r"dumb does not answer after 0.1 s") as caught:
        crew.start([server(tmp_path, "dumb", answers=says_up), server(tmp_path, "good")], 0.1)
    assert str(caught.value).splitlines()[-1] == "  up"


def test_a_server_that_is_killed_later_is_noticed(tmp_path: Path, crew: Crew) -> None:
    """Watching ends with the name of the server that ended."""
    crew.start([server(tmp_path, "one"), server(tmp_path, "two")], 100)
    (victim,) = [
        each for each in children() if each.cmdline()[-1] == "two" and "soundatlas.supervise" not in each.cmdline()
    ]
    victim.kill()
    with pytest.raises(ServerFailedError, match=r"two ended by itself \(exit code 137\)"):
        crew.watch()


def test_asking_to_stop_ends_waiting_and_watching(tmp_path: Path, crew: Crew, stop: dict[str, bool]) -> None:
    """Who asks to stop need not wait for servers to come up."""
    stop["asked"] = True
    crew.start([server(tmp_path, "one", answers=lambda: False)], 1000)
    crew.watch()
    crew.stop()
    assert children() == []


def test_the_log_of_the_time_before_is_kept(tmp_path: Path) -> None:
    """Each start begins a new log, and the last one stays beside it."""
    for script in ("print('first')", "print('second')", "print('third')"):
        crew = Crew(tmp_path, tmp_path / "logs", lambda: False)
        with pytest.raises(ServerFailedError):
            crew.start([server(tmp_path, "one", script, answers=lambda: False)], 100)
        crew.stop()
    assert (tmp_path / "logs/one.log").read_text(encoding="utf-8").splitlines()[-1] == "third"
    assert (tmp_path / "logs/one.log.1").read_text(encoding="utf-8").splitlines()[-1] == "second"
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["one.log", "one.log.1"]
