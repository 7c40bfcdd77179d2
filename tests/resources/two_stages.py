"""A pipeline of two stages in git, as a user would start one: the first always runs, the second copies a file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAGES = """
stages:
  look:
    cmd: echo seen
    always_changed: true
  copy:
    cmd: python -c "import shutil; shutil.copy('a.txt', 'b.txt')"
    deps: [a.txt]
    outs: [b.txt]
"""


def start(folder: Path) -> None:
    """Write the pipeline into a folder, and make that a repository of git and DVC; nothing is run."""
    (folder / "dvc.yaml").write_text(STAGES, encoding="utf-8")
    (folder / "a.txt").write_text("a", encoding="utf-8")
    run_in(folder, "git", "init", "--quiet", "--initial-branch", "main")
    dvc(folder, "init", "--quiet")
    dvc(folder, "config", "core.analytics", "false")


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC, which must go well."""
    run_in(folder, sys.executable, "-m", "dvc", *arguments)


def commit_all(folder: Path) -> None:
    """Commit everything that is there."""
    author = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    run_in(folder, "git", "add", "--all")
    run_in(folder, "git", *author, "commit", "--quiet", "--message", "All")


def run_in(folder: Path, *command: str) -> None:
    """Run a command that must go well."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
