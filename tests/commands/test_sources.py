"""`soundatlas sources`: what there is, under which terms, and what is missing."""

from __future__ import annotations

import tiny_project
from typer.testing import CliRunner

from soundatlas.cli import app
from soundatlas.sources.lookup import MODULES


def test_every_source_has_a_row(project, repository, tmp_path, monkeypatch) -> None:
    """Each source says what it gives and needs, is listed or not, and what is missing where it is not ready."""
    for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SOUNDATLAS_CONTACT"):
        monkeypatch.delenv(name, raising=False)
    sources = [{"source": "folder", "path": f"../{name}"} for name in ("here", "gone")]
    tiny_project.start_project(project, repository, catalog={"sources": sources})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(project / "data")  # a path in params.yaml begins at the project, wherever one stands
    monkeypatch.setattr("soundatlas.commands.terminal.PLAIN_WIDTH", 400)
    done = CliRunner().invoke(app, ["sources"])
    assert done.exit_code == 0
    assert all(name in done.stdout for name in MODULES)
    rows = [line for line in done.stdout.splitlines() if "│" in line]
    here, gone = (next(row for row in rows if f"folder ../{name}" in row) for name in ("here", "gone"))
    assert "ready" in here
    assert "there is no folder" not in here
    assert "there is no folder" in gone
    assert "SPOTIPY_CLIENT_ID" in done.stdout
    assert "SOUNDATLAS_CONTACT" in done.stdout


def test_home_of_nobody_is_a_folder_that_is_not_there(project, repository, monkeypatch) -> None:
    """A path that begins with the home of an unknown user is told as missing, beside all the other sources."""
    sources = [{"source": name, "path": "~nobody-of-this-name/x"} for name in ("folder", "fma")]
    sources[1]["subset"] = "small"
    tiny_project.start_project(project, repository, catalog={"sources": sources})
    monkeypatch.chdir(project)
    monkeypatch.setattr("soundatlas.commands.terminal.PLAIN_WIDTH", 400)
    done = CliRunner().invoke(app, ["sources"])
    assert done.exit_code == 0
    assert "there is no folder" in done.stdout
    assert all(name in done.stdout for name in MODULES)
