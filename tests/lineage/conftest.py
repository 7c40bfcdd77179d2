"""A project whose tracks can be followed forwards and backwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import traced_project


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory, repository: Path, model: Path, empty_database: Path) -> Path:
    """Give the project; copy it, never write to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        return traced_project.make_traced_project(
            tmp_path_factory.mktemp("traced") / "project", repository, model, empty_database
        )


@pytest.fixture
def root(traced: Path, tmp_path: Path) -> Path:
    """Give a copy of the project, to work on; MLflow's places move along."""
    return Path(shutil.copytree(traced, tmp_path / "project", symlinks=True))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Give a function that runs `soundatlas` as its entry point does: exit code, output and errors."""
    import sys

    def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
        from soundatlas.cli import main

        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["soundatlas", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    return run
