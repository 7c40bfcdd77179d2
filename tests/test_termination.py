"""What SIGTERM and Ctrl-C do to a run."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from soundatlas.termination import ending_cleanly

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")


class Opened:
    """What is to be closed."""

    def __init__(self, closed: list[bool]) -> None:
        self.close = lambda: closed.append(True)


SIGNALS = pytest.mark.parametrize(
    ("number", "code", "name"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)


def ask(number: signal.Signals) -> None:
    """Ask this process to end."""
    os.kill(os.getpid(), number)


def ask_within_a_library(number: signal.Signals) -> None:
    """Be asked within what gives any error a name of its own."""
    try:
        ask(number)
    except BaseException:  # noqa: BLE001 - as C code does
        raise AttributeError from None


@SIGNALS
def test_block_is_unwound(number, code, name, capfd) -> None:
    """What is open is closed, one line says why, and the exit code is what a shell says of the signal."""
    closed = []
    with pytest.raises(SystemExit) as caught, ending_cleanly(), contextlib.closing(Opened(closed)):
        ask(number)
    assert caught.value.code == code
    assert closed == [True]
    assert capfd.readouterr().err == f"soundatlas: ended by {name}; run it again to go on\n"


MEANWHILE = """
import os, signal, sys, time
from soundatlas.termination import ending_cleanly

def ask(frame, event, _):
    while event == "call" and frame is not None:
        if type(frame.f_locals.get("self")).__name__ == "ExtensionFileLoader":
            sys.setprofile(None)
            os.kill(os.getpid(), int(sys.argv[1]))
            print("asked", flush=True)
            return
        frame = frame.f_back

with ending_cleanly():
    import numpy
    sys.setprofile(ask)
    import soxr
    print("imported", flush=True)
    time.sleep(60)
"""


@SIGNALS
def test_module_that_is_written_in_c_is_made_first(number, code, name) -> None:
    """One may abort the process, as soxr does, where a signal raises an exception meanwhile: the end waits for it."""
    command = [sys.executable, "-c", MEANWHILE, str(int(number))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert ended.stdout == "asked\nimported\n"
    assert ended.stderr == f"soundatlas: ended by {name}; run it again to go on\n"
    assert ended.returncode == code


def ends_in(file: str, moment: int, doing: Callable[[], object]) -> bool:
    """Do something, and be asked to end at its n-th moment in one file; return whether there was one.

    Python hears of a signal where a function begins, and where one that is written in C returns.
    """
    moments = itertools.count()

    def hear(frame: FrameType, event: str, _: object) -> None:
        is_there = event in {"call", "c_return"} and file in frame.f_code.co_filename
        if is_there and next(moments) == moment:
            sys.setprofile(None)
            handler = signal.getsignal(signal.SIGTERM)
            assert callable(handler)
            handler(signal.SIGTERM, frame)

    with contextlib.suppress(SystemExit), ending_cleanly():
        sys.setprofile(hear)
        try:
            doing()
        finally:
            sys.setprofile(None)
        if next(moments) > moment:
            time.sleep(60)  # at most: the end has waited
    return next(moments) > moment


def does_in_another_thread(doing: Callable[[], object]) -> bool:
    """Return whether another thread gets something done."""
    other = threading.Thread(target=doing, daemon=True)
    other.start()
    other.join(timeout=30)
    return not other.is_alive()


def test_no_lock_of_imports_is_kept(tmp_path, monkeypatch) -> None:
    """Wherever the import system is when a signal comes, another thread can import afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    for moment in itertools.count():
        (tmp_path / f"imported{moment}.py").touch()
        importlib.invalidate_caches()
        doing = partial(importlib.import_module, f"imported{moment}")
        is_ended = ends_in("<frozen importlib", moment, doing)
        assert does_in_another_thread(doing), moment
        if not is_ended:
            break
    assert moment > 50


def test_no_lock_of_threads_is_kept() -> None:
    """Wherever a semaphore is when a signal comes, another thread can use it afterwards."""
    for moment in itertools.count():
        semaphore = threading.Semaphore()

        def use(semaphore: threading.Semaphore = semaphore) -> None:
            semaphore.acquire(timeout=0)
            semaphore.release()

        is_ended = ends_in("threading.py", moment, use)
        assert does_in_another_thread(use), moment
        if not is_ended:
            break
    assert moment > 5


def test_signal_may_come_while_a_thread_is_started() -> None:
    """Waiting needs none of the locks that starting a thread takes; and the thread comes to its end."""
    for moment in itertools.count():
        started = []

        def start(started: list[threading.Thread] = started) -> None:
            started.append(threading.Thread(target=time.sleep, args=(0,)))
            started[0].start()

        is_ended = ends_in("threading.py", moment, start)
        for thread in filter(lambda thread: thread.ident, started):
            thread.join(timeout=30)
            assert not thread.is_alive(), moment
        if not is_ended:
            break
    assert moment > 20


@SIGNALS
@pytest.mark.parametrize(
    "stay",
    [lambda: threading.Event().wait(60), lambda: statistics.mean(itertools.repeat(1.5))],  # the mean has no end
    ids=["standing still", "moving on"],
)
def test_stay_in_the_standard_library_is_ended(number, code, name, stay, capfd) -> None:
    """Passing through is a reason to wait; standing still, as who waits for a thread does, and staying long are not."""
    threading.Timer(0.1, ask, [number]).start()
    with pytest.raises(SystemExit) as caught, ending_cleanly():
        stay()
    assert caught.value.code == code
    assert name in capfd.readouterr().err


@SIGNALS
def test_signal_that_nobody_hears_comes_again(number, code, name, capfd) -> None:
    """What is raised as an object is taken down is lost; the end comes all the same, without a traceback."""

    class Heard:
        def __del__(self) -> None:
            ask(number)

    def hear() -> None:
        Heard()
        reached.append(True)
        time.sleep(60)

    reached = []
    with pytest.raises(SystemExit) as caught, ending_cleanly():
        hear()
    assert reached
    assert caught.value.code == code
    assert capfd.readouterr().err == f"soundatlas: ended by {name}; run it again to go on\n"


def test_other_errors_that_nobody_hears_are_told_as_before(monkeypatch) -> None:
    """What has nothing to do with a signal goes to the hook of before, which is back afterwards."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    before = sys.unraisablehook

    class Fault:
        def __del__(self) -> None:
            raise ValueError("lost")

    with ending_cleanly():
        Fault()
    assert [str(each.exc_value) for each in told] == ["lost"]
    assert sys.unraisablehook is before


@SIGNALS
def test_another_error_on_the_way_is_the_same_end(number, code, name, capfd) -> None:
    """A library that turns what the signal raised into an error of its own changes neither code nor line."""
    with pytest.raises(SystemExit) as caught, ending_cleanly():
        ask_within_a_library(number)
    assert caught.value.code == code
    assert name in capfd.readouterr().err


def test_ctrl_c_may_be_the_way_to_end_well(capfd) -> None:
    """A block that waits for Ctrl-C and returns has ended well, and nothing is said."""
    with ending_cleanly(), contextlib.suppress(KeyboardInterrupt):
        ask(signal.SIGINT)
    assert capfd.readouterr().err == ""


def test_command_that_ctrl_c_ends_well_exits_with_0(capfd) -> None:
    """Typer exits where a command has returned: that is its end, and no other."""

    def wait_for_ctrl_c() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            ask(signal.SIGINT)
        sys.exit(0)

    with pytest.raises(SystemExit) as caught, ending_cleanly():
        wait_for_ctrl_c()
    assert caught.value.code == 0
    assert capfd.readouterr().err == ""


def test_signal_that_is_ignored_stays_ignored() -> None:
    """What a shell runs in its background goes on when Ctrl-C ends what is in front."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending_cleanly():
            ask(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_error_without_a_signal_is_itself() -> None:
    """Nobody asked: the fault is the fault."""
    with pytest.raises(ZeroDivisionError), ending_cleanly():
        raise ZeroDivisionError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_handler_of_before_is_back(number) -> None:
    """After the block a signal is whoever's it was."""
    before = signal.getsignal(number)
    with ending_cleanly():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before
