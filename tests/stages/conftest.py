"""Tiny projects at every point of the pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import tiny_project

from soundatlas.environment import quieten

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


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Give a project after `spectrograms`, with audio; copy it, never write to it."""
    from soundatlas.stages import spectrograms

    root = tmp_path_factory.mktemp("computed") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    return root


@pytest.fixture
def catalogued(computed: Path, tmp_path: Path) -> Path:
    """Give a copy of the project after `spectrograms`, to work on."""
    return Path(shutil.copytree(computed, tmp_path / "catalogued"))


@pytest.fixture
def change_tracks():
    """Give a function that changes columns of a project's tracks."""

    def change(root: Path, **columns: object) -> None:
        path = root / "data/catalog/tracks.parquet"
        pd.read_parquet(path).assign(**columns).to_parquet(path, index=False)

    return change
