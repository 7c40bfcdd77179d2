"""Walking a folder of music: the files that could be music, the tables beside them, and what is in the way."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from soundatlas.sources.inbox import PASSED_OVER

TABLE_NAME = "tracks.csv"


@dataclass
class Walked:
    """What lies below a folder.

    Attributes:
        files: that could be music, in order.
        tables: called `tracks.csv`, in order.
        refused: what cannot be walked -> reason and message.
        passed_over: number of notes and pictures.
    """

    files: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    refused: dict[Path, tuple[str, str]] = field(default_factory=dict)
    passed_over: int = 0


def walk_music(folder: Path) -> Walked:
    """Walk a folder and all below it. Hidden files and folders are not looked at.

    A link to a folder is not followed, so that no loop can form and nothing outside is read; it is a row of `refused`.
    """
    walked, waiting = Walked(), [folder]
    while waiting:
        parent = waiting.pop()
        try:
            with os.scandir(parent) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            walked.refused[parent] = ("unreadable", error.strerror or type(error).__name__)
            continue
        for entry in found:
            if not entry.name.startswith("."):
                _take(walked, entry, waiting)
    walked.files.sort()
    walked.tables.sort()
    return walked


def _take(walked: Walked, entry: os.DirEntry[str], waiting: list[Path]) -> None:
    path = Path(entry.path)
    if entry.is_dir(follow_symlinks=False):
        waiting.append(path)
    elif entry.is_symlink() and _is_folder(path):
        walked.refused[path] = (
            "linked_folder",
            "a link to a folder: name that folder as a source of its own if it is not listed anyway",
        )
    elif entry.name.lower() == TABLE_NAME:
        walked.tables.append(path)
    elif entry.name.lower().endswith(PASSED_OVER):
        walked.passed_over += 1
    else:
        walked.files.append(path)


def _is_folder(link: Path) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a link that leads to itself
        return False
