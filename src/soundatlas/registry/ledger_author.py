"""Who makes an entry in the ledger, and at which state of the project."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING

import git

from soundatlas.files import sha256_file

if TYPE_CHECKING:
    from pathlib import Path

MOST_CHARACTERS = 200


def name_author(root: Path) -> str:
    """Return who is at work: as git knows them, or the system's user."""
    repository = _repository(root)
    if repository is not None:
        with repository.config_reader() as settings:
            name, email = (str(settings.get_value("user", key, "")).strip() for key in ("name", "email"))
        if name or email:
            return f"{name} <{email}>".strip()[:MOST_CHARACTERS] if email else name[:MOST_CHARACTERS]
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:MOST_CHARACTERS]


def read_git_commit(root: Path) -> str | None:
    """Return the commit that is checked out, or None where there is none."""
    repository = _repository(root)
    if repository is None or not repository.head.is_valid():
        return None
    return str(repository.head.commit.hexsha)


def read_lock_sha256(root: Path) -> str | None:
    """Return the hash of `dvc.lock`, or None where nothing was locked yet."""
    lock = root / "dvc.lock"
    return sha256_file(lock) if lock.is_file() else None


def _repository(root: Path) -> git.Repo | None:
    try:
        return git.Repo(root, search_parent_directories=True)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        return None
