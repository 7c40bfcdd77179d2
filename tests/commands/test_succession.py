"""`soundatlas rollback` and `soundatlas promote`: what moves, what the pin says, and who waits for whom."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from soundatlas.dag import holding_out
from soundatlas.files import read_json
from soundatlas.registry.pin import read_champion
from soundatlas.workspace import lock_path

PIN = "data/champion.json"


def test_rollback_moves_alias_and_pin(judged, command):
    """The champion before is champion again, for MLflow and for DVC; the history says who, what and why."""
    code, out, err = command(judged, "rollback", "--reason", "calls every reel a jig")
    assert (code, err) == (0, "")
    assert "the champion of soundatlas is version 1; it was version 3" in out
    champion, folder = read_champion(judged)
    assert champion.version == "1"
    assert read_json(judged / PIN)["content_sha256"] == folder.name
    code, out, _ = command(judged, "history")
    assert code == 0
    assert "3 → 1" in out
    assert "calls every reel a jig" in out
    assert "[b]gate[/b] on 3" in out  # names are text, not markup


def test_a_second_rollback_finds_nobody(judged, command):
    """Behind the first champion there is none: one line, exit code 2, and nothing moves."""
    command(judged, "rollback")
    before = (judged / PIN).read_bytes()
    code, out, err = command(judged, "rollback")
    assert (code, out) == (2, "")
    assert err == "soundatlas: there is no earlier champion of soundatlas to go back to\n"
    assert (judged / PIN).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rollback", "--to", "2"), "version 2 never was champion; `soundatlas promote 2 --reason"),
        (("rollback", "--to", "3"), "version 3 is the champion already"),
        (("rollback", "--to", "9"), "version 9 never was champion"),
        (("promote", "9", "--reason", "x"), "soundatlas has no version 9; there are: 1, 2, 3"),
        (("promote", "2", "--reason", " "), "say why"),
    ],
)
def test_what_cannot_be_is_refused(judged, command, arguments, said):
    """A version that is not there, never was champion, or is it already; and an override without a reason."""
    code, out, err = command(judged, *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_promotion_against_the_gate(judged, command):
    """The refused version becomes champion, and the history says that it was against the gate, and why."""
    code, _, _ = command(judged, "promote", "2", "--reason", "the test side lacks jigs")
    assert code == 0
    assert read_champion(judged)[0].version == "2"
    code, out, _ = command(judged, "champion")
    assert code == 0
    assert "champion of soundatlas is version 2" in out
    assert "promoted against the gate by " in out
    assert "the test side lacks jigs" in out


def test_a_model_that_cannot_be_used_takes_nobody_s_place(judged, command):
    """Before anything moves, the files of the version are compared with those that were registered."""
    for stored in judged.glob("mlruns/artifacts/**/network.tflite"):
        stored.write_bytes(b"hostile")
    code, _, err = command(judged, "rollback")
    assert code == 1
    assert "version 1 of soundatlas is not what was registered" in err
    code, out, _ = command(judged, "history")
    assert "rolled back" not in out


def test_it_waits_for_a_run_that_is_at_work(judged, command):
    """While a flow holds the workspace, the command waits and says so; then it does its work."""
    lock = FileLock(lock_path(judged), thread_local=False)
    lock.acquire()
    threading.Timer(2.0, lock.release).start()
    code, out, err = command(judged, "rollback")
    assert (code, err) == (0, "another run is at work in this project: waiting for it\n")
    assert "is version 1" in out


HOLD = """
import sys, time
from pathlib import Path
from soundatlas.dag import holding_out
with holding_out(Path(sys.argv[1]), "data/champion.json", lambda: None):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_it_waits_for_a_stage_that_reads_the_pin(judged):
    """What DVC's own lock protects is not written meanwhile, and a killed holder keeps nobody waiting."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(judged)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    waited = []

    def end() -> None:
        waited.append(True)
        process.kill()
        process.wait()

    with holding_out(judged, PIN, end):
        assert waited == [True]
