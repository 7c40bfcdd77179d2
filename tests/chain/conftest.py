"""A project with twelve catalogued tracks, a champion and a file in the inbox, whose store is full."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny_project

from soundatlas.chain.states import Chain, Track
from soundatlas.tables import TRACKS, read_table


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, repository: Path, model: Path) -> Path:
    """Give the project; copy it, never write to it."""
    from dvc.repo import Repo

    from soundatlas.stages import backbone, spectrograms

    root = tmp_path_factory.mktemp("whole") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    tiny_project.write_clip(root / "data/inbox/own.wav", 20)
    tiny_project.install_champion(root, model)
    Repo.init(str(root), no_scm=True).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    backbone.run(root, params)
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """Give a copy of the project, to work on."""
    return Path(shutil.copytree(whole, tmp_path / "project"))


@pytest.fixture
def shas(root: Path) -> list[str]:
    """Give the hashes of the catalogue's tracks, in the catalogue's order."""
    return [str(sha) for sha in read_table(root / "data/catalog/tracks.parquet", TRACKS)["audio_sha256"]]


@pytest.fixture
def chain_of(root: Path, shas: list[str], tiny_params):
    """Give a function that begins the chain of a track of the catalogue, by its number."""

    def begin(number: int = 0, params=tiny_params) -> Chain:
        return Chain(root, params, Track(shas[number], (f"data/audio/{number:02d}.wav",), catalogued=True))

    return begin
