"""Worker processes that are copies of their caller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from soundatlas.child_process import OWN_THREADS, SpawnedProcess
from soundatlas.worker_process import pack, receive

PROGRAM = Path(__file__).with_name("resources") / "copied_crew.py"
PATIENCE_SECONDS = 120.0
COPIED = pytest.mark.skipif(not OWN_THREADS.is_dir(), reason="threads cannot be counted here, so nothing is copied")


def _start(*arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    path = os.pathsep.join([str(PROGRAM.parent), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments],
        env=environment | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(*arguments: str) -> dict[str, Any]:
    process = _start(*arguments)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    return dict(json.loads(out))


@COPIED
def test_copies_work_and_their_deaths_cost_one_item_each() -> None:
    """A copy answers as a process of its own program does; one that dies is replaced, and all else goes well."""
    ran = _run("0", "a", "segfault", "b", "exit", "out of memory", "unexpected", "asked to end", "c")
    assert ran["imported"]
    assert ran["blas"] == "1"
    assert ran["began with a child"]
    assert ran["copies with NumPy's threads"] == 0
    crashed = ["crashed", "its worker process died (exit code {})"]
    assert ran["told"] == [
        "A",
        [crashed[0], crashed[1].format(-signal.SIGSEGV)],
        "B",
        [crashed[0], crashed[1].format(7)],
        [crashed[0], crashed[1].format(-signal.SIGKILL)],
        ["fault", "ZeroDivisionError: frames by zero"],
        "ASKED TO END",
        "C",
    ]


def test_process_with_threads_is_not_copied() -> None:
    """Another thread's locks would stay shut in a copy: then a process of its own program does the work."""
    ran = _run("1", "a", "b")
    assert not ran["imported"]
    assert ran["told"] == ["A", "B"]


@COPIED
def test_copies_end_with_the_process_that_they_copy() -> None:
    """However their caller ends, no copy stays behind, neither a waiting one nor one that hangs."""
    process = _start("0", "hang", "a", "hang")
    copies: list[psutil.Process] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while len(copies) < 2 and time.monotonic() < until:
        copies = psutil.Process(process.pid).children()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert len(copies) == 2
    assert psutil.wait_procs(copies, timeout=PATIENCE_SECONDS)[1] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_does_not_end_a_process_that_is_still_starting(number) -> None:
    """Ctrl-C and SIGTERM to the whole family are the caller's to obey, however early they come."""
    process = SpawnedProcess()
    try:
        os.kill(process.pid, number)
        process.pipe.send_bytes(pack(str.upper, "a", PATIENCE_SECONDS))
        process.pipe.recv_bytes()  # it has begun
        assert receive(process.pipe)[0] == ("A", None)
    finally:
        process.kill()
        process.join()
        process.pipe.close()
