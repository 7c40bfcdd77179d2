"""The `soundatlas` command as a process: help, faults, and what it does not import."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from soundatlas.cli import app
from soundatlas.cli.ingest import app as ingest_app
from soundatlas.sources.lookup import MODULES

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def soundatlas(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as its entry point does."""
    return subprocess.run(
        [sys.executable, "-c", "from soundatlas.cli import main; main()", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command(tmp_path):
    """`soundatlas --help` works outside of a project and names what there is."""
    done = soundatlas("--help", cwd=tmp_path)
    assert done.returncode == 0
    lives = ["models", "champion", "history", "rollback", "promote", "backup", "restore"]
    tracks = ["flips", "make", "trace", "explain", "impact", "forget"]
    assert [
        "sources",
        "classify",
        "watch",
        "why",
        "picture",
        "similar",
        "atlas",
        "summary",
        *lives,
        *tracks,
        "spectrograms",
        "tune",
        "doctor",
    ] == COMMANDS
    assert all(name in done.stdout for name in COMMANDS)
    assert "dvc repro" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(tmp_path, name):
    """The help of a command is its first sentence and its options."""
    done = soundatlas(name, "--help", cwd=tmp_path)
    callback = {command.callback.__name__: command.callback for command in app.registered_commands}[name]
    assert done.returncode == 0
    assert callback.__doc__.split(",", maxsplit=1)[0][:40] in done.stdout


SOURCES = [command.callback.__name__ for command in ingest_app.registered_commands]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_a_command_and_explains_itself(tmp_path, name):
    """What can be ingested by a command is what there is, and its help is its first sentence."""
    assert [name for name in MODULES if name != "demo"] == SOURCES
    done = soundatlas("ingest", name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    callback = {command.callback.__name__: command.callback for command in ingest_app.registered_commands}[name]
    assert callback.__doc__[:30] in done.stdout


def test_help_of_ingest_names_every_exit_code(tmp_path):
    """Whoever writes a script around it finds all the codes that it may end with."""
    told = " ".join(soundatlas("ingest", "--help", cwd=tmp_path).stdout.split())
    assert all(f" {code} " in told.split("Exit codes:")[1] for code in range(5))


@pytest.mark.parametrize("name", COMMANDS)
def test_readme_mentions_every_command(repository, name):
    """A command that the README does not mention is one that nobody finds."""
    assert f"soundatlas {name}" in (repository / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [["clasify"], ["classify"], ["summary", "--jsn"]])
def test_misuse_ends_with_two(tmp_path, arguments):
    """An unknown command, a missing argument and an unknown option are usage faults without a traceback."""
    done = soundatlas(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_fault_is_one_line_for_the_shell(tmp_path):
    """A known fault in a real process is one line on stderr and the fault's exit code."""
    done = soundatlas("classify", "nowhere.wav", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "soundatlas: nowhere.wav does not exist\n"


def test_command_imports_nothing_heavy_to_start(tmp_path):
    """Help, and a fault before any work, cost no TensorFlow, MLflow, librosa or music21."""
    script = "import sys, soundatlas.cli; print({'tensorflow', 'mlflow', 'librosa', 'music21'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
