"""A project whose stage `classify` DVC can run: a tiny champion and an inbox, and nothing was trained."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import tiny_project
from pipeline_story import Project, make_project

from soundatlas.tables import INBOX, empty, write_table

if TYPE_CHECKING:
    from pathlib import Path

CLASSIFY = ("dvc", "repro", "--single-item", "classify")


def make_light_project(repository: Path, root: Path, model: Path, clips: int, seconds: float) -> Project:
    """Make it, with so many clips of so many seconds in the inbox, listed."""
    project = make_project(repository, root)
    tiny_project.install_champion(root, model)
    write_table(empty(INBOX), root / "data/catalog/inbox.parquet")
    for number in range(clips):
        tiny_project.write_clip(root / f"data/inbox/{number:03d}.wav", number, seconds=seconds, rate=44_100)
    project.run(sys.executable, "-m", "soundatlas.stages.ingest")
    return project
