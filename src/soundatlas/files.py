"""Where the project lies, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLACED = re.compile(r"\.(?P<name>.+)-\w{8}\.part-before")  # what `replacing_folder` calls what it takes away
LEFTOVER = re.compile(r"\..+-\w{8}\.part(-before|\..+)?")  # what is written beside a file or folder, as named below


def project_root(start: Path | None = None) -> Path:
    """Find the folder that holds `dvc.yaml`, from `start` (default: here) upwards.

    Raises:
        UsageError: when no folder above holds one.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise UsageError(f"no dvc.yaml in {here} or above: run this inside a soundatlas project")


def registry_root(root: Path) -> Path:
    """Return the folder whose `mlruns/` is the registry: inside a DVC experiment, that of the real workspace."""
    return Path(os.environ.get("DVC_ROOT") or root)


def audio_path(root: Path, path: str) -> Path:
    """Return where audio lies that a table names; a DVC experiment's workspace has only what DVC tracks."""
    here = root / path
    return here if here.exists() else registry_root(root) / path


def refuse_no_file(path: Path) -> None:
    """Refuse a place that is to be read or replaced as a file, where something else lies; where nothing does is fine.

    A pipe would be waited for, and a device replaced by a file.

    Raises:
        UsageError: when it is a folder, a pipe or a device.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file: name another")


def expand_home(path: Path) -> Path:
    """Return a path with `~` as the user's home, or `~anna` as hers; as a shell does, it stays where nobody has one."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of a JSON-like value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextlib.contextmanager
def making_in(folder: Path) -> Iterator[None]:
    """Make a folder where it is not there, for the block to make something in it.

    Raises:
        PermissionError: when that is refused in the words "no such file", as by /proc and by links that lead nowhere:
            a file that is not there is a fault of ours, a place that takes none is the user's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except (FileNotFoundError, FileExistsError):
        raise PermissionError(errno.EACCES, "nothing can be made here", str(folder)) from None


def unused_name(folder: Path, name: str, suffix: str) -> Path:
    """Return a path in a folder that nobody else has, for what is to be put in place once it is whole; nothing is made.

    The name is known before there is such a file: what a signal's handler raises may come while the file is made, and
    whoever clears up then has to know what.

    Args:
        folder: the one in which it is put in place.
        name: how the name begins.
        suffix: how it ends, such as ".part.mp3".
    """
    return folder / f".{name}-{os.urandom(4).hex()}{suffix}"


@contextlib.contextmanager
def _held(beside: Path) -> Iterator[None]:
    """Hold what is being written, so that `remove_leftovers` of another process leaves it; the system frees it."""
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders know no locks: there nothing is held
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _is_held(beside: Path) -> bool:
    """Whether a process that lives is writing this; what cannot be opened or locked, such as a link, nobody holds."""
    with contextlib.suppress(OSError):
        descriptor = os.open(beside, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


@contextlib.contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and put it in place only when the block ends well."""
    beside = unused_name(path.parent, path.stem[:40], f".part{path.suffix}")
    try:
        with making_in(path.parent):
            beside.touch(0o600, exist_ok=False)
        with _held(beside):
            yield beside
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_file_apart(path: Path) -> Iterator[Path]:
    """Do as `replacing_file` in a folder of its own, for a library that itself writes beside the path that it is given.

    safetensors does, under a name that nobody would know for a leftover after a kill.
    """
    apart = unused_name(path.parent, path.stem[:40], ".part")
    try:
        with making_in(path.parent):
            apart.mkdir(0o700)
        with _held(apart):
            yield apart / path.name
        (apart / path.name).chmod(0o644)
        (apart / path.name).replace(path)
    finally:
        try:
            shutil.rmtree(apart, ignore_errors=True)
        finally:  # once more, as it takes a while: a signal may have ended it
            shutil.rmtree(apart, ignore_errors=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path` to fill, and put it in place only when the block ends well."""
    beside = unused_name(path.parent, path.name, ".part")
    before = beside.with_name(f"{beside.name}-before")
    try:
        with making_in(path.parent):
            beside.mkdir(0o700)
        with _held(beside):
            yield beside
        beside.chmod(0o755)
        if path.exists():
            path.replace(before)  # not removed in place: a kill must not leave half of it
        beside.replace(path)
    finally:
        try:
            _clear_up(path, beside, before)
        finally:  # once more, as it takes a while: a signal may have ended it
            _clear_up(path, beside, before)


def _clear_up(path: Path, beside: Path, before: Path) -> None:
    """Put back what was taken away where nothing came in its place, and remove the rest."""
    if before.exists() and not path.exists():
        before.replace(path)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all; leave a file that already holds it untouched."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    with replacing_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def restore_replaced(folder: Path) -> None:
    """Put back what a run was replacing directly in `folder` when it was killed between taking it away and the new."""
    for before in folder.glob(".*.part-before"):
        replaced = REPLACED.fullmatch(before.name)
        if replaced and not (target := before.with_name(replaced["name"])).exists():
            with contextlib.suppress(FileNotFoundError):  # another process ended meanwhile
                before.replace(target)


def is_leftover(name: str) -> bool:
    """Return whether a file or folder is called as what a killed run left half-written."""
    return LEFTOVER.fullmatch(name) is not None


def remove_leftovers(folder: Path, *, untouched_seconds: float = 0.0) -> None:
    """Remove what a killed run left half-written directly in `folder`; what others call nearly so, or hold, stays.

    Args:
        folder: need not be there.
        untouched_seconds: leave alone what was written to since, as another process may be at it.
    """
    now = time.time()
    for leftover in filter(lambda path: is_leftover(path.name), folder.glob(".*.part*")):
        with contextlib.suppress(FileNotFoundError):  # another process ended meanwhile
            if abs(now - leftover.stat().st_mtime) < untouched_seconds:
                continue
            if _is_held(leftover):
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
