"""Mapping over tracks in processes that may die."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import worker_functions

from soundatlas import workers
from soundatlas.errors import SoundatlasError, UsageError
from soundatlas.workers import map_in_workers, worker_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soundatlas.attempts import Outcome

LONG = 120.0  # seconds that no healthy item takes


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """Give the processes that were started since the test began: another test's may still wait for work."""
    before = psutil.Process().children()
    return lambda: [process for process in psutil.Process().children() if process not in before]


def _behave(*items: str, timeout_seconds: float = LONG, workers: int = 1) -> list[Outcome[str, str]]:
    return list(
        map_in_workers(worker_functions.behave, items, timeout_seconds=timeout_seconds, workers=workers),
    )


def _told(outcomes: list[Outcome[str, str]]) -> list[str | None]:
    """Say for each item its value, or the reason why there is none."""
    return [outcome.failure.reason if outcome.failure else outcome.value for outcome in outcomes]


def test_outcomes_keep_the_order_of_items() -> None:
    """Whichever worker ends first, outcomes come in the items' order."""
    ranks = list(range(12))
    outcomes = list(map_in_workers(worker_functions.wait_by_rank, ranks, timeout_seconds=LONG, workers=2))
    assert [outcome.item for outcome in outcomes] == ranks
    assert [outcome.value[0] for outcome in outcomes if outcome.value] == ranks


def test_work_is_done_in_other_processes() -> None:
    """No item is worked on in the calling process."""
    outcomes = map_in_workers(worker_functions.wait_by_rank, [9, 9, 9], timeout_seconds=LONG, workers=1)
    assert os.getpid() not in {outcome.value[1] for outcome in outcomes if outcome.value}


def test_no_items_give_no_outcomes() -> None:
    """An empty catalogue is no fault."""
    assert _behave() == []


@pytest.mark.parametrize("death", ["exit", "quiet exit", "segfault", "out of memory"])
def test_crash_costs_one_item(death: str) -> None:
    """A decoder that takes its process down is that file's failure; its neighbours are done."""
    outcomes = _behave("a", death, "b", "c")
    assert _told(outcomes) == ["A", "crashed", "B", "C"]
    assert "exit code" in str(outcomes[1].failure)


def test_every_item_crashing_ends_all_the_same() -> None:
    """Replacing workers again and again does not lose the run."""
    assert _told(_behave(*["exit"] * 5, workers=2)) == ["crashed"] * 5


def test_hang_costs_one_item() -> None:
    """A decoder that never returns is stopped after the time-out; its neighbours are done."""
    outcomes = _behave("a", "hang", "b", timeout_seconds=2.0)
    assert _told(outcomes) == ["A", "timeout", "B"]
    assert str(outcomes[1].failure) == "timeout: took longer than 2 s"


def test_track_error_comes_back_as_it_is() -> None:
    """A named failure keeps its reason and message."""
    [outcome] = _behave("track error")
    assert outcome.value is None
    assert str(outcome.failure) == "not_audio: holds a shopping list"


def test_unexpected_exception_becomes_a_fault() -> None:
    """Whatever else a library raises is a row with reason `fault` that names it."""
    outcomes = _behave("a", "unexpected", "b")
    assert _told(outcomes) == ["A", "fault", "B"]
    assert str(outcomes[1].failure) == "fault: ZeroDivisionError: frames by zero"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("cannot be unpickled", "fault"),
        ("narrow track error", "truncated"),
        ("system exit", "fault"),
        ("interrupt", "fault"),
        ("network timeout", "fault"),
        ("memory", "fault"),
    ],
)
def test_awkward_exception_costs_one_item(item: str, reason: str) -> None:
    """Exceptions that cannot travel between processes, or that end a process elsewhere, end nothing here."""
    assert _told(_behave("a", item, "b")) == ["A", reason, "B"]


def test_worker_that_is_asked_to_end_works_on() -> None:
    """SIGTERM to the whole family of processes is the caller's to obey: no item fails because of it."""
    assert _told(_behave("a", "asked to end", "b")) == ["A", "ASKED TO END", "B"]


def test_hang_that_lets_no_other_thread_run_costs_one_item(tmp_path: Path) -> None:
    """A decoder that hangs within the interpreter's lock is stopped as well."""
    items = [tmp_path / "pid"]
    outcomes = map_in_workers(worker_functions.hang_alone, items, timeout_seconds=1.0, workers=1)
    assert [outcome.failure.reason for outcome in outcomes if outcome.failure] == ["timeout"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("hang", ["hang", pytest.param("hang_alone", marks=pytest.mark.slow)])
def test_no_worker_outlives_a_killed_caller(hang: str, tmp_path: Path) -> None:
    """When kill -9 meets the caller, a worker that hangs ends too, at once or, if it lets nothing run, in time."""
    script = (
        "import sys; from pathlib import Path; import worker_functions; from soundatlas.workers import map_in_workers\n"
        "if __name__ == '__main__':\n"
        f"    items = [Path(sys.argv[1])]\n"
        f"    list(map_in_workers(worker_functions.{hang}, items, timeout_seconds=float(sys.argv[2]), workers=1))\n"
    )
    (tmp_path / "caller.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    seconds = "1.0" if hang == "hang_alone" else str(LONG)
    command = [sys.executable, str(tmp_path / "caller.py"), str(tmp_path / "pid"), seconds]
    with subprocess.Popen(command, env=environment) as caller:
        while not (tmp_path / "pid").exists():
            assert caller.poll() is None
            time.sleep(0.01)
        worker = psutil.Process(int((tmp_path / "pid").read_text()))
        caller.kill()
    worker.wait(LONG)


def test_large_values_come_whole_and_can_be_written_to() -> None:
    """Arrays travel beside the pickle, in the items' order, and are the caller's own."""
    sizes = [0, 1, 1_000_000, 3]
    outcomes = list(map_in_workers(worker_functions.make_array, sizes, timeout_seconds=LONG, workers=2))
    for size, outcome in zip(sizes, outcomes, strict=True):
        assert outcome.value is not None
        np.testing.assert_array_equal(outcome.value, np.full(size, size, np.float32))
        assert outcome.value.flags.writeable


def test_nothing_is_begun_while_large_values_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where values are held that nobody has taken, only the item whose turn it is begins; all are done in the end."""
    monkeypatch.setattr(workers, "MOST_HELD_BYTES", 1)
    paths = [tmp_path / str(number) for number in range(6)]
    outcomes = map_in_workers(worker_functions.mark, paths, timeout_seconds=LONG, workers=1)
    for number in range(6):
        assert next(outcomes).value == bytes(1000)
        time.sleep(0.1)  # in which a worker without that limit would run ahead
        assert sum(path.exists() for path in paths) <= number + 2
    assert list(outcomes) == []


def test_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no process or file left, one line says what to do; it is no track's fault."""

    def refuse(_: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "SpawnedProcess", refuse)
    with pytest.raises(SoundatlasError, match=r"no worker process can be started \(Resource.*SOUNDATLAS_WORKERS"):
        _behave("a")


def test_item_that_cannot_be_sent_is_a_fault() -> None:
    """An item that cannot be pickled costs itself."""
    items = ["a", (letter for letter in "b"), "c"]
    outcomes = list(map_in_workers(worker_functions.behave, items, timeout_seconds=LONG, workers=1))
    assert _told(outcomes) == ["A", "fault", "C"]


def test_value_that_cannot_be_sent_is_a_fault() -> None:
    """A value that cannot be pickled costs its item."""
    assert _told(_behave("a", "value cannot be pickled", "b")) == ["A", "fault", "B"]


def test_worker_that_is_killed_while_it_waits_costs_nothing() -> None:
    """A worker that dies between two items is replaced before the next."""
    worker = workers._Worker()
    before = worker.attempt(worker_functions.wait_by_rank, 9, LONG)[0]
    assert before is not None
    os.kill(before[1], signal.SIGKILL)
    worker._process.join()  # type: ignore[union-attr]  # it was started above
    after = worker.attempt(worker_functions.wait_by_rank, 9, LONG)[0]
    worker.stop()
    assert after is not None
    assert after[1] != before[1]


def test_no_process_outlives_the_map(started: Callable[[], list[psutil.Process]]) -> None:
    """When all is done, or the caller stops listening while a decoder hangs, no worker is left."""
    _behave("a", "b", workers=2)
    outcomes = map_in_workers(worker_functions.behave, ["a", "hang", "b"], timeout_seconds=LONG, workers=2)
    next(outcomes)
    outcomes.close()
    assert started() == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files cannot be counted here")
def test_no_connection_outlives_the_map() -> None:
    """A caller who maps again and again, as a watch does, does not run out of open files."""
    _behave("a", "b", workers=2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for items in (("a", "b"), ("a", "exit"), ("hang",)):
        _behave(*items, workers=2, timeout_seconds=0.5)
        with workers.early_workers("worker_functions"):
            _behave("a", workers=2)
    single = workers.SingleWorker()
    single.attempt(worker_functions.behave, "a", timeout_seconds=LONG)
    single.stop()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_few_items_start_few_processes(started: Callable[[], list[psutil.Process]]) -> None:
    """One new track does not start a process per processor."""
    outcomes = map_in_workers(worker_functions.behave, ["a", "b"], timeout_seconds=LONG, workers=8)
    next(outcomes)
    assert len(started()) <= 2
    outcomes.close()


def test_items_are_pulled_as_they_are_needed() -> None:
    """Of a long catalogue only a few items per worker are under way, so memory does not grow with it."""
    pulled = []

    def catalogue() -> Iterator[str]:
        for number in range(1000):
            pulled.append(number)
            yield str(number)

    outcomes = map_in_workers(worker_functions.behave, catalogue(), timeout_seconds=LONG, workers=1)
    assert pulled == []
    for done in range(1, 11):
        next(outcomes)
        assert len(pulled) <= done + workers.WAITING_PER_WORKER
    outcomes.close()
    assert len(pulled) < 20


def test_fault_in_the_catalogue_reaches_the_caller() -> None:
    """An exception that the items themselves raise is the caller's, not a row."""

    def catalogue() -> Iterator[str]:
        yield "a"
        raise UsageError("the listing is gone")

    with pytest.raises(UsageError, match="the listing is gone"):
        list(map_in_workers(worker_functions.behave, catalogue(), timeout_seconds=LONG, workers=1))


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("3", 3), (" 12 ", 12)])
def test_worker_count_is_what_the_environment_says(text: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SOUNDATLAS_WORKERS` sets the number of processes."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", text)
    assert worker_count() == count


@pytest.mark.parametrize("text", ["", "  ", None])
def test_worker_count_is_one_per_processor_by_default(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset or blank, each processor that this process may use gets a worker."""
    monkeypatch.delenv("SOUNDATLAS_WORKERS", raising=False)
    if text is not None:
        monkeypatch.setenv("SOUNDATLAS_WORKERS", text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert worker_count() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "1e3", "²"])
def test_impossible_worker_count_is_wrong_use(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything but a positive whole number is refused with the variable's name and value."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", text)
    with pytest.raises(UsageError, match="SOUNDATLAS_WORKERS") as caught:
        worker_count()
    assert repr(text) in str(caught.value)
    assert caught.value.exit_code == 2


def test_map_takes_its_worker_count_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the variable decides, and a wrong one is refused before anything runs."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "none")
    with pytest.raises(UsageError, match="SOUNDATLAS_WORKERS"):
        next(map_in_workers(worker_functions.behave, ["a"], timeout_seconds=LONG))


def test_workers_keep_to_one_thread_unless_told_otherwise(monkeypatch) -> None:
    """BLAS in a worker gets one thread, the user's own choice stands, and the parent's environment stays as it was."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    found = [
        outcome.value
        for outcome in map_in_workers(worker_functions.read_variable, names, timeout_seconds=LONG, workers=1)
    ]
    assert found == ["1", "3"]
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_early_worker_is_the_first_to_work(started: Callable[[], list[psutil.Process]]) -> None:
    """A process that was started before the items were known gets the first one, and is gone after the block."""
    with workers.early_workers("worker_functions"):
        (early,) = started()
        (outcome,) = map_in_workers(worker_functions.wait_by_rank, [9], timeout_seconds=LONG, workers=3)
        assert outcome.value is not None
        assert outcome.value[1] == early.pid
    assert started() == []


def test_early_worker_that_nobody_needs_is_ended(started: Callable[[], list[psutil.Process]]) -> None:
    """Where there was nothing to do, no process is left, and the next map starts its own."""
    with workers.early_workers("no such module"):
        assert len(started()) == 1
    assert started() == []
    assert _told(_behave("a")) == ["A"]


def test_worker_does_not_run_the_callers_main_module() -> None:
    """A stage's imports are not made again in its workers."""
    found = map_in_workers(worker_functions.imported, ["pandas", "pydantic"], timeout_seconds=LONG, workers=1)
    assert [outcome.value for outcome in found] == [False, False]
