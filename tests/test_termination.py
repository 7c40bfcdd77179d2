"""What SIGTERM does to a run."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import pytest

from soundatlas.termination import EXIT_CODE, ending_cleanly

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")


class Opened:
    """What is to be closed."""

    def __init__(self, closed: list[bool]) -> None:
        self.close = lambda: closed.append(True)


def ask() -> None:
    """Ask this process to end."""
    os.kill(os.getpid(), signal.SIGTERM)


def ask_within_a_library() -> None:
    """Be asked within what gives any error a name of its own."""
    try:
        ask()
    except BaseException:  # noqa: BLE001 - as C code does
        raise AttributeError from None


def test_block_is_unwound(capfd) -> None:
    """What is open is closed, one line says why, and the exit code is what a shell says of SIGTERM."""
    closed = []
    with pytest.raises(SystemExit) as caught, ending_cleanly(), contextlib.closing(Opened(closed)):
        ask()
    assert caught.value.code == EXIT_CODE == 143
    assert closed == [True]
    assert capfd.readouterr().err == "soundatlas: ended by SIGTERM; run it again to go on\n"


def test_another_error_on_the_way_is_the_same_end() -> None:
    """A library that turns what the signal raised into an error of its own changes neither code nor line."""
    with pytest.raises(SystemExit) as caught, ending_cleanly():
        ask_within_a_library()
    assert caught.value.code == EXIT_CODE


def test_error_without_a_signal_is_itself() -> None:
    """Nobody asked: the fault is the fault."""
    with pytest.raises(ZeroDivisionError), ending_cleanly():
        raise ZeroDivisionError


def test_handler_of_before_is_back() -> None:
    """After the block SIGTERM is whoever's it was."""
    before = signal.getsignal(signal.SIGTERM)
    with ending_cleanly():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
