"""One file that holds `mlruns/` whole: runs, versions, aliases, ledger, artifacts and champions' bundles together.

Databases are copied by SQLite's own backup, so that a server or a training may write meanwhile; they are copied first,
since artifacts are written before the database speaks of them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import tarfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from soundatlas.errors import NotReadyError, SoundatlasError, UsageError
from soundatlas.files import read_json, replacing_file, replacing_folder, sha256_file
from soundatlas.registry.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER, MANIFEST = "mlruns", "manifest.json"
FORMAT = 1
PASSING = (".db-journal", ".db-wal", ".db-shm")  # of a database at work; SQLite's backup needs none


def back_up(root: Path, file: Path) -> int:
    """Write a backup of the project's `mlruns/`, whole or not at all.

    Args:
        root: the project.
        file: a tar archive to make, or to replace.

    Returns:
        how many files it holds.

    Raises:
        NotReadyError: when the registry is on a server.
        SoundatlasError: when there is none yet, or its database is damaged.
    """
    refuse_server()
    folder = root / FOLDER
    if not (folder / "mlflow.db").is_file():
        raise SoundatlasError("there is no registry in mlruns/ to back up yet")
    hashes: dict[str, str] = {}
    with replacing_file(file) as beside, TemporaryDirectory() as copies, tarfile.open(beside, "w") as archive:
        for path in sorted(folder.glob("*.db")):
            copy = Path(copies) / path.name
            _copy_database(path, copy)
            _add(archive, hashes, copy, f"{FOLDER}/{path.name}")
        for path in _other_files(folder):
            _add(archive, hashes, path, path.relative_to(root).as_posix())
        manifest = json.dumps({"format": FORMAT, "files": hashes}, indent=1, sort_keys=True).encode()
        about = tarfile.TarInfo(MANIFEST)
        about.size = len(manifest)
        archive.addfile(about, io.BytesIO(manifest))
    return len(hashes)


def restore(root: Path, file: Path) -> Path | None:
    """Put a backup in the place of `mlruns/`, after every file of it was found to be as it was saved.

    Args:
        root: the project.
        file: that `back_up` made.

    Returns:
        where what was there before lies now, or None when nothing was.

    Raises:
        NotReadyError: when the registry is on a server.
        UsageError: when the file is no backup, or is damaged; nothing is changed then.
    """
    refuse_server()
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    unpacked, before = root / f".{FOLDER}-restored-{now}", root / f"{FOLDER}-before-{now}"
    try:
        with replacing_folder(unpacked) as beside, tarfile.open(file, "r:") as archive:
            archive.extractall(beside, filter="data")
            _check(beside, file)
    except (tarfile.TarError, EOFError) as error:
        raise UsageError(f"{file} is no backup of soundatlas, or is damaged: {error}") from None
    except FileNotFoundError:
        raise UsageError(f"{file} does not exist") from None
    there = (root / FOLDER).exists()
    if there:
        (root / FOLDER).replace(before)
    (unpacked / FOLDER).replace(root / FOLDER)
    (unpacked / MANIFEST).unlink()
    unpacked.rmdir()
    return before if there else None


def refuse_server() -> None:
    """Make sure that the registry is the project's own.

    Raises:
        NotReadyError: when MLFLOW_TRACKING_URI names another.
    """
    if os.environ.get("MLFLOW_TRACKING_URI"):
        raise NotReadyError(
            "the registry is on the server in MLFLOW_TRACKING_URI: back up its database and its artifacts there, "
            "which hold the history too; or unset the variable for the project's own mlruns/"
        )


def _other_files(folder: Path) -> Iterator[Path]:
    """Yield what is no database and not half-written, in order."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        is_database = len(inside) == 1 and (path.suffix == ".db" or path.name.endswith(PASSING))
        is_partial = any(part.startswith(".") and ".part" in part for part in inside)
        if path.is_file() and not is_database and not is_partial:
            yield path


def _copy_database(path: Path, copy: Path) -> None:
    try:
        with open_database(path) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.DatabaseError as error:
        raise SoundatlasError(f"{path.name} cannot be copied: {error}; `soundatlas doctor` says more") from None


def _add(archive: tarfile.TarFile, hashes: dict[str, str], path: Path, name: str) -> None:
    try:
        hashes[name] = sha256_file(path)
        archive.add(path, name, recursive=False)
    except FileNotFoundError:  # a run that is deleted meanwhile
        hashes.pop(name, None)


def _check(folder: Path, file: Path) -> None:
    """Compare what was unpacked with the manifest, file by file.

    Raises:
        UsageError: when anything differs.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        files, form = dict(manifest["files"]), manifest["format"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{file} is no backup of soundatlas: it has no list of its files") from None
    if form != FORMAT:
        raise UsageError(f"{file} has format {form}, and this version of soundatlas knows {FORMAT}")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del found[MANIFEST]
    for name in sorted(files.keys() | found.keys()):
        if PurePosixPath(name).parts[0] != FOLDER or name not in files or name not in found:
            raise UsageError(f"{file} is damaged: its list of files and its files differ in {name}")
        if sha256_file(found[name]) != files[name]:
            raise UsageError(f"{file} is damaged: {name} is not as it was saved")
