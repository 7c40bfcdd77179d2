"""Tiny projects, with and without a champion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import tiny_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture
def crowned(project: Path, model: Path) -> Path:
    """Give a project with a champion."""
    tiny_project.install_champion(project, model)
    return project


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Give a function that runs `soundatlas` as its entry point does: exit code, output and errors."""

    def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
        from soundatlas.cli import main

        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["soundatlas", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    return run
