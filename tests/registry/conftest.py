"""A tiny bundle, and projects with a registry of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny_project
from tiny_registry import NAME, make_registered


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory, tiny_params) -> Path:
    """Give a model with other weights; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("other-model") / "model"
    tiny_project.write_model(folder, tiny_params, seed=2)
    return folder


@pytest.fixture
def own_model(model: Path, tmp_path: Path) -> Path:
    """Give a copy of the model, to damage."""
    return Path(shutil.copytree(model, tmp_path / "own-model"))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clip of 2 s; never write to it."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    tiny_project.write_clip(path, 5, seconds=2.0)
    return path


@pytest.fixture
def project(tmp_path: Path, repository: Path, empty_database: Path, model: Path) -> Path:
    """Give a project after `evaluate`, with a model that is right on every test track, and an empty registry."""
    root = tmp_path / "project"
    tiny_project.start_project(root, repository)
    tracks = tiny_project.write_catalogue(root, audio=False)
    shutil.copytree(model, root / "data/model")
    tiny_project.write_evaluation(root / "data/evaluation", tracks)
    (root / "mlruns").mkdir()
    shutil.copyfile(empty_database, root / "mlruns/mlflow.db")
    return root


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, repository, empty_database, model, other_model) -> Path:
    """Give a project with two registered versions, neither judged; copy it, never write to it."""
    root = tmp_path_factory.mktemp("registered") / "project"
    return make_registered(root, repository, (other_model, model), empty_database)


@pytest.fixture
def root(registered: Path, tmp_path: Path) -> Path:
    """Give a copy of the project with two versions: every test that uses it is also one of a moved project."""
    return Path(shutil.copytree(registered, tmp_path / "moved project"))


@pytest.fixture
def registry(root: Path):
    """Give the registry of the copied project."""
    from mlflow.tracking._tracking_service import utils

    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.tracking import Tracking

    utils._artifact_repos_cache.clear()  # by run: it would lead to the project from which this one was copied
    return ModelRegistry(Tracking(root), NAME)
