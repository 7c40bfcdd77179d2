"""The machine: Python, memory, processors, room on the disk, folders that can be written to."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from importlib.metadata import metadata
from typing import TYPE_CHECKING

from soundatlas.doctor.finding import Finding, Status
from soundatlas.workers import worker_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIGABYTE = 1e9
LITTLE_MEMORY_GIGABYTES = 4.0
LITTLE_DISK_GIGABYTES = 5.0
NO_DISK_GIGABYTES = 1.0
FOLDERS = ("data", "mlruns", ".dvc/cache")  # where everything goes that a run makes
MOST_FILES = 100_000  # whose sizes are added up: more would take longer than the answer is worth


def check_python(_root: Path) -> list[Finding]:
    """Say which Python this is, and whether soundatlas is made for it."""
    from packaging.specifiers import SpecifierSet

    version, wanted = platform.python_version(), metadata("soundatlas")["Requires-Python"]
    message = f"Python {version} on {platform.system()} {platform.release()}, {platform.machine()}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return [Finding("python", Status.OK, message)]
    todo = "remove .venv and run `make setup PYTHON=python3.12`"
    return [Finding("python", Status.FAULT, f"{message}; soundatlas needs {wanted}", todo)]


def check_memory(_root: Path) -> list[Finding]:
    """Say how much memory there is."""
    import psutil

    memory = psutil.virtual_memory()
    message = f"{memory.total / GIGABYTE:.1f} GB, {memory.available / GIGABYTE:.1f} GB of it free"
    if memory.total < LITTLE_MEMORY_GIGABYTES * GIGABYTE:
        todo = "if a stage is killed: smaller train.batch_size, SOUNDATLAS_WORKERS=1"
        return [Finding("memory", Status.WARNING, f"{message}; {LITTLE_MEMORY_GIGABYTES:g} GB are advised", todo)]
    return [Finding("memory", Status.OK, message)]


def check_processors(_root: Path) -> list[Finding]:
    """Say how many processors there are, and how many workers a stage starts."""
    workers = worker_count()
    chosen = ", as SOUNDATLAS_WORKERS says" if os.environ.get("SOUNDATLAS_WORKERS", "").strip() else ""
    return [Finding("processors", Status.OK, f"{os.cpu_count()}; a stage starts {_count(workers, 'worker')}{chosen}")]


def check_disk(root: Path) -> list[Finding]:
    """Say how much room is left where the project lies."""
    free = shutil.disk_usage(root).free
    message = f"{free / GIGABYTE:.1f} GB free where the project lies"
    todo = "make room on this disk, for example with `dvc gc --workspace`, which asks first"
    if free < NO_DISK_GIGABYTES * GIGABYTE:
        return [Finding("disk", Status.FAULT, f"{message}: too little to run", todo)]
    if free < LITTLE_DISK_GIGABYTES * GIGABYTE:
        return [Finding("disk", Status.WARNING, f"{message}; {LITTLE_DISK_GIGABYTES:g} GB are advised", todo)]
    return [Finding("disk", Status.OK, message)]


def check_folders(root: Path) -> list[Finding]:
    """Say how large the folders are that a run writes to, and whether it can."""
    sizes, faults = [], []
    for name in FOLDERS:
        folder = root / name
        if (problem := _why_not_writable(folder)) is not None:
            faults.append(Finding("folders", Status.FAULT, problem, f"give yourself {name}/, with `chown` or `chmod`"))
        elif folder.is_dir():
            sizes.append(f"{name} {_size(folder)}")
        else:
            sizes.append(f"{name} not there yet")
    if faults:
        return faults
    return [Finding("folders", Status.OK, f"writable; {', '.join(sizes)}")]


def _why_not_writable(folder: Path) -> str | None:
    """Say why nothing can be written to a folder, found out by writing; an absent one must be possible to make."""
    if folder.exists() and not folder.is_dir():
        return f"{folder} is no folder"
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return f"{existing} cannot be written to: {error.strerror}"


def _size(folder: Path) -> str:
    total = 0
    for count, size in enumerate(_file_sizes(folder)):
        if count == MOST_FILES:
            return f"more than {_shown(total)}"
        total += size
    return _shown(total)


def _file_sizes(folder: Path) -> Iterator[int]:
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size
        except OSError:  # a run removes its leftovers while we look
            continue


def _shown(size: int) -> str:
    unit, name = (GIGABYTE, "GB") if size >= GIGABYTE else (1e6, "MB") if size >= 1e6 else (1e3, "kB")  # noqa: PLR2004 - MB
    return f"{size / unit:.1f} {name}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
