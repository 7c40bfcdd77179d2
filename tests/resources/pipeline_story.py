"""A project of its own for each story: the repository's files, a tiny catalogue, git and DVC as a user has them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from soundatlas.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Callable

CLIPS = {"aird": 10, "bach": 10, "monteverdi": 10}
TINY = {
    "train": {
        "channels": [8, 8],
        "embedding": 16,
        "epochs": 2,
        "windows_per_epoch": 64,
        "classes": ["genre", "artist"],
    },
    "repeats": {"seeds": 1, "random_split": False},
    "evaluate": {"bootstrap_resamples": 100},
    "promote": {
        "bootstrap_resamples": 100,
        "min_gain": -1.0,
        "min_first_gain": -1.0,
        "max_class_loss": 1.0,
        "max_ece": 1.0,
        "max_slowdown": 1000.0,
    },
    "validate": {"min_tracks_per_class": 2},
}
PATIENCE_SECONDS = 600
TABLES = ("data/catalog", "data/audio", "data/spectrograms", "data/split")


@dataclass(frozen=True)
class Project:
    """A soundatlas project in a folder of its own."""

    root: Path

    def edit_params(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change params.yaml as a user's editor would."""
        yaml, path = YAML(), self.root / "params.yaml"
        values = yaml.load(path)
        change(values)
        yaml.dump(values, path)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the project, in a process group of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment = kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *command: str) -> str:
        """Run a command that must end well; return what it printed."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output
        return output

    def kill_when(self, command: tuple[str, ...], seen: str, *, after_seconds: float) -> None:
        """Start a command and kill -9 it with all its children a while after it printed `seen`."""
        process = self.start(*command)
        assert process.stdout is not None
        for line in process.stdout:
            if seen in line:
                break
        else:
            pytest.fail(f"{command} never printed {seen!r}")
        time.sleep(after_seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def hashes(self, *folders: str) -> dict[str, str]:
        """Return path -> SHA-256 of every file below some folders."""
        files = [path for folder in folders for path in (self.root / folder).rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): sha256_file(path) for path in sorted(files)}


def ran(output: str) -> list[str]:
    """Return the stages that a `dvc repro` really ran."""
    return re.findall(r"^Running stage '(\w+)'", output, re.MULTILINE)


def make_project(repository: Path, root: Path) -> Project:
    """Copy the repository's files, shrink its parameters, commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = repository / name
        if source.is_file() and not name.startswith(("tests/", "docs/")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / name)
    project = Project(root)

    def shrink(values: dict[str, Any]) -> None:
        source = values["catalog"]["sources"][0]
        source["clips"], source["inbox_clips"] = dict(CLIPS), {"bach": 1, "oneill": 1}
        source["clip_seconds"] = 4.0
        for section, settings in TINY.items():
            values[section] |= settings
        values["promote"]["primary"] = ["genre", "artist"]

    project.edit_params(shrink)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        project.run(*command)
    project.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "start")
    return project
