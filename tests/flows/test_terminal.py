"""A flow from a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from flows.pipeline import pipeline
from flows.promote import promote
from flows.rollback import rollback
from flows.terminal import _parser, exit_on_fault
from soundatlas.errors import NotReadyError


def test_options_are_the_flows_parameters() -> None:
    """What the form asks for are the options, with its choices; lists may be given several times."""
    options = vars(
        _parser(pipeline).parse_args(["--force", "split", "--force", "train", "--override", "train.epochs=4"])
    )
    assert options == {"target": "all", "force": ["split", "train"], "overrides": ["train.epochs=4"]}
    assert vars(_parser(pipeline).parse_args([])) == {"target": "all", "force": [], "overrides": []}


def test_what_a_flow_cannot_do_without_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A parameter without a default is an option that must be given; the others keep theirs."""
    options = vars(_parser(promote).parse_args(["--version", "2", "--reason", "it is better"]))
    assert options == {"version": "2", "reason": "it is better"}
    assert vars(_parser(rollback).parse_args([])) == {"to": "", "reason": ""}
    with pytest.raises(SystemExit) as caught:
        _parser(promote).parse_args(["--version", "2"])
    assert caught.value.code == 2
    assert "--reason" in capsys.readouterr().err


def test_a_stage_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong stage lists the right ones, before any server starts."""
    with pytest.raises(SystemExit) as caught:
        _parser(pipeline).parse_args(["--target", "trian"])
    assert caught.value.code == 2
    assert "'evaluate'" in capsys.readouterr().err


def test_help_tells_what_the_flow_does(repository) -> None:
    """--help has the flow's description and the parameters'."""
    shown = subprocess.run(
        [sys.executable, "-m", "flows.pipeline", "--help"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    assert "usage: python -m flows.pipeline" in shown
    assert "Run the pipeline down to a stage" in shown
    assert "KEY=VALUE" in shown


def test_a_known_fault_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The fault's own exit code and its message on stderr, without a traceback."""

    def fail() -> None:
        raise NotReadyError("no model yet")

    with pytest.raises(SystemExit) as caught:
        exit_on_fault(fail)
    assert caught.value.code == 3
    assert capsys.readouterr().err == "soundatlas: no model yet\n"


def test_ctrl_c_is_one_line_and_its_exit_code(capfd) -> None:
    """A flow that is interrupted in a terminal ends as every command does."""
    with pytest.raises(SystemExit) as caught:
        exit_on_fault(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert caught.value.code == 130
    assert capfd.readouterr().err == "soundatlas: ended by Ctrl-C; run it again to go on\n"
