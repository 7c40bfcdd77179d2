"""Tiny projects, with and without a champion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import tiny_project

from soundatlas.environment import quieten

if TYPE_CHECKING:
    from pathlib import Path

quieten()  # as in the program: before TensorFlow and MLflow are imported


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed, and let no variable of the caller choose another registry."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_params(repository: Path):
    """Give the parameters of the tiny project."""
    return tiny_project.params_of(repository)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_params) -> Path:
    """Give the folder of a model; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("model") / "model"
    tiny_project.write_model(folder, tiny_params)
    return folder


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    """Give a project as it starts: parameters and an empty inbox."""
    root = tmp_path / "project"
    tiny_project.start_project(root, repository)
    (root / "data/inbox").mkdir(parents=True)
    return root


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
