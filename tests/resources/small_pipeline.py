"""A pipeline of shell commands in a git repository, for what is DVC's and not soundatlas's."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = f'"{sys.executable}"'
GRAPH: dict[str, dict[str, Any]] = {
    "last": {"cmd": "echo last; cp second.txt last.txt", "deps": ["second.txt", "look.txt"], "outs": ["last.txt"]},
    "second": {"cmd": "echo one; echo two; cp first.txt second.txt", "deps": ["first.txt"], "outs": ["second.txt"]},
    "first": {"cmd": "echo first; cp look.txt first.txt", "deps": ["look.txt"], "outs": ["first.txt"]},
    "look": {"cmd": "echo look > look.txt", "outs": ["look.txt"], "always_changed": True, "desc": "Looks around."},
    "side": {"cmd": "echo side > side.txt", "outs": ["side.txt"]},
}


def make_pipeline(root: Path, **commands: str) -> Path:
    """Make the pipeline, with other commands for some stages, and commit it."""
    root.mkdir(parents=True)
    stages = {name: stage | ({"cmd": commands[name]} if name in commands else {}) for name, stage in GRAPH.items()}
    with (root / "dvc.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"stages": stages, "metrics": ["scores.json"]}, file)
    (root / "scores.json").write_text('{"f1": 0.5}', encoding="utf-8")
    for command in (
        ["git", "init", "-q"],
        [sys.executable, "-m", "dvc", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "start"],
    ):
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root
