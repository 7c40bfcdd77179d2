"""A project that has something to learn from and to validate on, in miniature."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import tiny_project

from soundatlas.stages import spectrograms
from soundatlas.tuning.space import SPACE, Choice


@pytest.fixture(scope="session")
def _learnable(tmp_path_factory, repository):
    """Give a project after `validate`; copy it, never write to it."""
    root = tmp_path_factory.mktemp("learnable") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    return root


@pytest.fixture
def learnable(_learnable, tmp_path):
    """Give a copy of that project."""
    return shutil.copytree(_learnable, tmp_path / "learnable")


@pytest.fixture
def tiny_space(monkeypatch):
    """Shrink the space to networks that are fitted in a moment."""
    monkeypatch.setitem(SPACE, "channels", Choice(([4],)))
    monkeypatch.setitem(SPACE, "window_seconds", Choice((0.6,)))


@pytest.fixture
def tuned_params(repository, tiny_space):  # noqa: ARG001 - the space that they lie in
    """Give the parameters of a fit of one epoch, inside of the space."""
    return tiny_project.params_of(repository, train={"epochs": 1, "windows_per_epoch": 4, "attributes": []})


@pytest.fixture
def test_shas(learnable):
    """Give the audio hashes of the test tracks."""
    split = pd.read_parquet(learnable / "data/split/split.parquet")
    return set(split.loc[split["side"] == "test", "audio_sha256"])
