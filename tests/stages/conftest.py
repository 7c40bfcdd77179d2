"""Tiny projects at every point of the pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import tiny_project


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


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
