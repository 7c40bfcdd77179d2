"""`soundatlas backup` and `soundatlas restore`: registry, artifacts and history stay together."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from soundatlas.files import read_json, write_json
from soundatlas.registry.database import read_state

if TYPE_CHECKING:
    from pathlib import Path


def restored(root: Path, file: Path) -> str:
    """Restore in a process of its own, which has no database open yet; return what it printed."""
    command = [sys.executable, "-c", "from soundatlas.cli import main; main()", "restore", str(file)]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_registry_comes_back_whole(judged, command, tmp_path):
    """After a loss, restored and elsewhere: the champion, its bundle and a history that verifies."""
    file = tmp_path / "kept" / "registry.tar"
    code, out, _ = command(judged, "backup", str(file))
    assert (code, str(file) in out) == (0, True)
    history = command(judged, "history", "--json")[1]
    moved = tmp_path / "moved"
    shutil.copytree(judged, moved, ignore=shutil.ignore_patterns("mlruns"))
    shutil.rmtree(judged)
    code, out, err = command(moved, "restore", str(file))
    assert (code, err) == (0, "")
    assert "the history of soundatlas is whole: 3 entries" in out
    assert command(moved, "history", "--json")[1] == history
    assert command(moved, "rollback")[0] == 0
    assert list(tmp_path.glob("moved/.mlruns*")) == []


def test_what_was_there_is_kept_beside(judged, command):
    """Restoring over a registry loses nothing: the old one lies in a folder that is named."""
    command(judged, "backup", str(judged / "one.tar"))
    command(judged, "rollback")
    out = restored(judged, judged / "one.tar")
    [before] = judged.glob("mlruns-before-*")
    assert f"lies in {before.name}/ now" in out
    assert (before / "mlflow.db").is_file()
    assert read_state(judged / "mlruns/mlflow.db").champions == ("soundatlas version 3",)


def test_a_backup_is_taken_while_others_write(judged, command, tmp_path):
    """An open transaction of somebody else is neither waited for nor half copied."""
    with sqlite3.connect(judged / "mlruns/mlflow.db") as connection:
        connection.execute("DELETE FROM model_version_tags")
        code, _, err = command(judged, "backup", str(tmp_path / "b.tar"))
        connection.rollback()
    assert (code, err) == (0, "")
    shutil.rmtree(judged / "mlruns")
    assert "is whole: 3 entries" in restored(judged, tmp_path / "b.tar")


@pytest.mark.parametrize("damage", ["cut", "byte", "other"])
def test_a_damaged_backup_changes_nothing(judged, command, tmp_path, damage):
    """A cut file, one with a changed byte, and one that is something else are refused before anything is touched."""
    file = tmp_path / "b.tar"
    command(judged, "backup", str(file))
    held = file.read_bytes()
    place = held.index(b'"entry') if b'"entry' in held else len(held) // 2
    made = {"cut": held[: len(held) // 2], "byte": held[:place] + b"?" + held[place + 1 :], "other": b"no archive"}
    file.write_bytes(made[damage])
    before = (judged / "mlruns/mlflow.db").read_bytes()
    code, out, err = command(judged, "restore", str(file))
    assert (code, out) == (2, "")
    assert "damaged" in err or "no backup" in err
    assert (judged / "mlruns/mlflow.db").read_bytes() == before
    assert not list(judged.glob("mlruns-before-*"))
    assert not list(judged.glob(".mlruns*"))


def test_nothing_to_save_and_a_server(project, command, monkeypatch):
    """Without a registry, and with one on a server, it is said what to do; a file that is not there is wrong use."""
    code, _, err = command(project, "backup")
    assert (code, err) == (1, "soundatlas: there is no registry in mlruns/ to back up yet\n")
    assert command(project, "restore", "absent.tar")[0] == 2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    for arguments in (("backup",), ("restore", "absent.tar")):
        code, _, err = command(project, *arguments)
        assert (code, "back up its database and its artifacts there" in err) == (3, True)


def test_a_served_registry_is_not_exchanged(judged, command):
    """While `make ui` has the database open, restoring says to stop it; the record of a dead one stops nobody."""
    command(judged, "backup", str(judged / "b.tar"))
    me = psutil.Process()
    record = {"pid": os.getpid(), "create_time": me.create_time(), "root": str(judged.resolve())}
    write_json(judged / ".prefect/ui.json", record)
    code, _, err = command(judged, "restore", str(judged / "b.tar"))
    assert (code, err) == (3, "soundatlas: `make ui` has this registry open: stop it first\n")
    write_json(judged / ".prefect/ui.json", record | {"create_time": 1.0})
    assert read_json(judged / ".prefect/ui.json")["create_time"] == 1.0
    assert command(judged, "restore", str(judged / "b.tar"))[0] == 0


def test_ui_of_the_project_that_was_copied_holds_nothing_up(judged, command):
    """A copied project has the record of the original's `make ui` with it, which has another registry open."""
    command(judged, "backup", str(judged / "b.tar"))
    record = {"pid": os.getpid(), "create_time": psutil.Process().create_time(), "root": "/somewhere/else"}
    write_json(judged / ".prefect/ui.json", record)
    assert command(judged, "restore", str(judged / "b.tar"))[0] == 0
