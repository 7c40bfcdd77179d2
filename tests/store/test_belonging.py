"""Whose a store is, and with which commands it is mended and filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundatlas.store.belonging import filling, owner_of, repairing


@pytest.fixture
def project(tmp_path):
    """Give a project whose data lie on another disk."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "dvc.yaml").touch()
    (tmp_path / "disk/spectrograms").mkdir(parents=True)
    (root / "data").symlink_to(tmp_path / "disk")
    return root


@pytest.mark.parametrize("name", ["spectrograms", "stems", "spectrograms/deeper"])
def test_projects_own_store_is_known_by_every_path(name, project, tmp_path, monkeypatch) -> None:
    """By its name from here, from the root, and by the place where it really lies."""
    monkeypatch.chdir(project)
    for path in (Path("data", name), project / "data" / name, tmp_path / "disk" / name):
        assert owner_of(path) == project
        assert filling(path) == "`dvc repro`"


def test_other_folders_are_nobodys(project, tmp_path, monkeypatch) -> None:
    """Another folder of a project, or one outside, is no store of it."""
    monkeypatch.chdir(project)
    for path in (project / "data", project / "data/inbox", tmp_path / "loose"):
        assert owner_of(path) is None


def test_store_of_another_project_is_known(project, tmp_path, monkeypatch) -> None:
    """Also where this is run elsewhere, a project's store is its own."""
    monkeypatch.chdir(tmp_path)
    (project / "data").unlink()
    assert owner_of(project / "data/spectrograms") == project


def test_commands_name_the_store(tmp_path, monkeypatch) -> None:
    """What is advised can be pasted, whatever the folder is called."""
    monkeypatch.chdir(tmp_path)
    assert repairing(Path("my store")) == "`soundatlas store verify --store 'my store' --repair`"
    assert filling(Path("my store")) == "`soundatlas spectrograms FOLDER --store 'my store'`"
