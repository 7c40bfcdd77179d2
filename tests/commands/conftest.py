"""Tiny projects, with and without a champion."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import tiny_project
from tiny_registry import NAME, make_registered


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


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, repository: Path, model: Path, tiny_params) -> Path:
    """Give a DVC project with three registered versions, none judged; copy it, never write to it."""
    from dvc.repo import Repo

    models = [model]
    for seed in (2, 3):
        folder = tmp_path_factory.mktemp("models") / "model"
        tiny_project.write_model(folder, tiny_params, seed=seed)
        models.append(folder)
    root = make_registered(tmp_path_factory.mktemp("registered") / "project", repository, models)
    Repo.init(str(root), no_scm=True).close()
    return root


@pytest.fixture(scope="session")
def judged_once(registered: Path) -> Path:
    """Give a project in which version 1 was promoted, version 2 refused and version 3 promoted; never write to it."""
    from soundatlas.registry.gate import Verdict
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.succession import Succession
    from soundatlas.registry.tracking import Tracking

    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
            patch.delenv(name, raising=False)
        registry = ModelRegistry(Tracking(registered), NAME)
        line = Succession(registry)
        for number, promoted in (("1", True), ("2", False), ("3", True)):
            verdict = Verdict(promoted, f"[b]gate[/b] on {number}")
            line.judge(registry.version(number), lambda _, verdict=verdict: verdict)
    return registered


@pytest.fixture
def judged(judged_once: Path, tmp_path: Path) -> Path:
    """Give a copy of the judged project, to work on."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()  # by run: it would lead to the project from which this one is copied
    return Path(shutil.copytree(judged_once, tmp_path / "judged"))
