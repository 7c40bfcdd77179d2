"""Whose a store is, a project's own or one of loose audio, and with which commands it is mended and filled."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

from soundatlas.errors import UsageError
from soundatlas.files import project_root

if TYPE_CHECKING:
    from pathlib import Path

STORE = "data/spectrograms"
STORES = (STORE, "data/stems")  # of a project: outs of DVC, with locks of their own


def owner_of(folder: Path) -> Path | None:
    """Return the project whose own store a folder is, or lies in: the one around it, or the one that this is run in."""
    place = folder.resolve()
    for start in (place, None):
        with contextlib.suppress(UsageError):
            root = project_root(start)
            if any(place.is_relative_to((root / name).resolve()) for name in STORES):
                return root
    return None


def repairing(folder: Path) -> str:
    """Return the command that removes what is damaged in a store, for a message."""
    return f"`soundatlas store verify --store {shlex.quote(str(folder))} --repair`"


def filling(folder: Path) -> str:
    """Return the command that computes what a store lacks, for a message."""
    if owner_of(folder) is not None:
        return "`dvc repro`"
    return f"`soundatlas spectrograms FOLDER --store {shlex.quote(str(folder))}`"
