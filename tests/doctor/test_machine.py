"""Python, memory, processors, room on the disk, folders that can be written to."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from types import SimpleNamespace

import psutil
import pytest

from soundatlas.doctor import machine
from soundatlas.doctor.finding import Status


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("3.10.14", Status.FAULT),
        ("3.11.0", Status.OK),
        ("3.13.9", Status.OK),
        ("3.14.0", Status.FAULT),
        ("3.14.0rc1", Status.FAULT),
    ],
)
def test_python_version(tmp_path, monkeypatch, version, status):
    """Python 3.11 to 3.13 will do; another is a fault that names what is needed."""
    monkeypatch.setattr(platform, "python_version", lambda: version)
    (found,) = machine.check_python(tmp_path)
    assert found.status is status
    assert f"Python {version}" in found.message
    assert (">=3.11" in found.message) == (status is Status.FAULT)


@pytest.mark.parametrize(("gigabytes", "status"), [(3.9, Status.WARNING), (4.1, Status.OK)])
def test_memory(tmp_path, monkeypatch, gigabytes, status):
    """Below 4 GB is a warning."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=gigabytes * 1e9, available=2e9))
    (found,) = machine.check_memory(tmp_path)
    assert found.status is status
    assert found.message.startswith(f"{gigabytes} GB, 2.0 GB of it free")


def test_processors(tmp_path, monkeypatch):
    """Processors are counted, and the number of workers that the user has chosen is named as his choice."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert "as SOUNDATLAS_WORKERS says" not in machine.check_processors(tmp_path)[0].message
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    assert machine.check_processors(tmp_path)[0].message == "8; a stage starts 1 worker, as SOUNDATLAS_WORKERS says"


@pytest.mark.parametrize(("gigabytes", "status"), [(0.9, Status.FAULT), (4.9, Status.WARNING), (5.1, Status.OK)])
def test_disk(tmp_path, monkeypatch, gigabytes, status):
    """Below 5 GB free is a warning, below 1 GB a fault."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=gigabytes * 1e9))
    (found,) = machine.check_disk(tmp_path)
    assert found.status is status
    assert found.message.startswith(f"{gigabytes} GB free")


def test_folders_and_their_sizes(tmp_path):
    """Folders are shown with what lies in them at any depth; one that a run has yet to make is no fault."""
    (tmp_path / "data/audio/deep").mkdir(parents=True)
    (tmp_path / "data/audio/deep/a.wav").write_bytes(b"0" * 1_500_000)
    (tmp_path / "data/b.bin").write_bytes(b"0" * 500_000)
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns/notes").write_bytes(b"0" * 1_200)
    (found,) = machine.check_folders(tmp_path)
    assert found.status is Status.OK
    assert found.message == "writable; data 2.0 MB, mlruns 1.2 kB, .dvc/cache not there yet"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mlruns"]


def test_links_are_not_followed(tmp_path):
    """A link that leads back into its own folder does not keep the doctor busy."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/again").symlink_to(tmp_path / "data", target_is_directory=True)
    assert machine.check_folders(tmp_path)[0].status is Status.OK


def test_counting_ends(tmp_path, monkeypatch):
    """Of a folder with very many files only the first are added up, and the message says so."""
    monkeypatch.setattr(machine, "MOST_FILES", 2)
    (tmp_path / "data").mkdir()
    for number in range(4):
        (tmp_path / f"data/{number}").write_bytes(b"0" * 1000)
    assert "data more than 2.0 kB" in machine.check_folders(tmp_path)[0].message


def test_file_in_place_of_a_folder(tmp_path):
    """A file where a folder must be is a fault that names it."""
    (tmp_path / "mlruns").write_text("", encoding="utf-8")
    (found,) = machine.check_folders(tmp_path)
    assert found.status is Status.FAULT
    assert found.message == f"{tmp_path / 'mlruns'} is no folder"


def test_folder_that_refuses(tmp_path, monkeypatch):
    """A folder in which no file can be made is a fault, and the other folders are still looked at."""
    (tmp_path / "data").mkdir()
    real = tempfile.TemporaryFile

    def refusing(dir):  # noqa: A002 - tempfile's name
        if dir == tmp_path / "data":
            raise PermissionError(13, "Permission denied")
        return real(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refusing)
    (found,) = machine.check_folders(tmp_path)
    assert (found.status, found.message) == (
        Status.FAULT,
        f"{tmp_path / 'data'} cannot be written to: Permission denied",
    )
    assert "data/" in found.todo
