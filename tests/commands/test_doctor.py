"""`soundatlas doctor`: the table, the JSON and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import two_stages

from soundatlas.commands import doctor
from soundatlas.doctor import examination, services
from soundatlas.doctor.finding import Finding, Status

HIDDEN = "geheim-4711"
WELL = Finding("disk", Status.OK, "80 GB free")
WORTH_A_LOOK = Finding("packages", Status.WARNING, "numpy 1.0 (==[2.0])", "`make setup`")
BROKEN = Finding("params", Status.FAULT, "params.yaml: \x1b[2Jtrian", "correct params.yaml")


@pytest.fixture
def finding(monkeypatch):
    """Give a function that decides what the examination finds."""

    def decide(*findings: Finding) -> None:
        monkeypatch.setattr(doctor, "examine", lambda _: {"Project": list(findings)})

    return decide


@pytest.mark.parametrize(
    ("findings", "code", "closing"),
    [
        ([WELL], 0, "All well."),
        ([WELL, WORTH_A_LOOK], 0, "Nothing to repair, 1 to look at."),
        ([BROKEN], 1, "1 thing to repair."),
        ([BROKEN, BROKEN, WORTH_A_LOOK], 1, "2 things to repair, 1 to look at."),
    ],
)
def test_exit_code_and_last_line(project, command, finding, findings, code, closing):
    """The exit code is 1 when something must be repaired; the last line sums up."""
    finding(*findings)
    ended, out, err = command(project, "doctor")
    assert (ended, err) == (code, "")
    assert out.rstrip().splitlines()[-1] == closing


def test_each_finding_is_a_marked_line(project, command, finding):
    """A line has a mark, what was found and what to do; text from files can neither style nor command the terminal."""
    finding(WELL, WORTH_A_LOOK, BROKEN)
    _, out, _ = command(project, "doctor")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "Project" in lines
    assert "✓ disk 80 GB free" in lines
    assert "! packages numpy 1.0 (==[2.0]) `make setup`" in lines
    assert "✗ params params.yaml: \N{REPLACEMENT CHARACTER}[2Jtrian correct params.yaml" in lines


def test_json(project, command, finding):
    """JSON holds whether all is well, and each finding with its group."""
    finding(WELL, BROKEN)
    code, out, err = command(project, "doctor", "--json")
    assert (code, err) == (1, "")
    told = json.loads(out)
    assert told["ok"] is False
    assert told["findings"] == [
        {"group": "Project", "check": "disk", "status": "ok", "message": "80 GB free", "todo": None},
        {
            "group": "Project",
            "check": "params",
            "status": "fault",
            "message": "params.yaml: \x1b[2Jtrian",
            "todo": "correct params.yaml",
        },
    ]


def test_outside_of_a_project(tmp_path, command):
    """Outside of a project it says so in one line, exit code 2."""
    code, out, err = command(tmp_path, "doctor")
    assert (code, out) == (2, "")
    assert err.startswith("soundatlas: no dvc.yaml in ")


def test_terminal_without_the_marks(project):
    """Where the output's encoding lacks a character, another stands for it; the doctor does not fail over it."""
    two_stages.start(project)
    done = subprocess.run(
        [sys.executable, "-c", "from soundatlas.cli import main; main()", "doctor"],
        cwd=project,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode in {0, 1}, done.stderr) == (True, b"")
    assert b"? disk" in done.stdout


def test_real_project(project, command, monkeypatch):
    """A project in order is told so by every check, without a secret; breaking it changes the exit code."""
    two_stages.start(project)
    for names, _ in services.CREDENTIALS.values():
        for name in names:
            monkeypatch.setenv(name, HIDDEN)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    code, out, _ = command(project, "doctor")
    assert code == 0
    assert HIDDEN not in out
    assert all(group in out for group in examination.GROUPS)
    assert "2 stages" in out
    (project / "params.yaml").write_text("train: 1\n", encoding="utf-8")
    code, out, _ = command(project, "doctor", "--json")
    assert code == 1
    assert HIDDEN not in out
    assert [each["check"] for each in json.loads(out)["findings"] if each["status"] == "fault"] == ["params"]
