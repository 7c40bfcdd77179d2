"""What SIGTERM and Ctrl-C do to a run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from soundatlas.termination import ending_cleanly

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
