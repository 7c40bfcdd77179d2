"""kill -9 at random moments of `classify`: no prediction is lost, none is doubled, and it goes on."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from light_project import CLASSIFY, make_light_project

from soundatlas.history.store import HISTORY
from soundatlas.registry.database import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_story import Project

pytestmark = pytest.mark.slow

CLIPS, CLIP_SECONDS = 60, 30.0
KILLS = int(os.environ.get("SOUNDATLAS_KILLS", "10"))


def kept(project: Project) -> dict[str, tuple[bytes, ...]]:
    """Return audio -> what the history says of it, once SQLite has found the file sound."""
    if not (project.root / HISTORY).is_file():
        return {}
    with open_database(project.root / HISTORY) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'predictions'").fetchone():
            return {}
        rows = connection.execute("SELECT audio_sha256, status, said, embedding, made_at FROM predictions").fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def kill_when_kept(project: Project, count: int, after_seconds: float) -> None:
    """Start the stage, and kill -9 it with all its children a while after the history holds so many predictions."""
    process = project.start(*CLASSIFY, "--force")
    while len(kept(project)) < count and process.poll() is None:
        time.sleep(0.02)
    time.sleep(after_seconds)
    with contextlib.suppress(ProcessLookupError):  # it was faster
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_at_ten_random_moments(
    repository: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept before a kill is there after it, unchanged; the end is, to the byte, that of an undisturbed run."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    project = make_light_project(repository, tmp_path / "killed", model, CLIPS, CLIP_SECONDS)
    chance = random.Random(7)  # noqa: S311 - moments, no secrets
    before: dict[str, tuple[bytes, ...]] = {}
    counts = []
    for wanted in sorted(chance.sample(range(CLIPS), KILLS)):
        kill_when_kept(project, wanted, chance.uniform(0, 0.2))
        after = kept(project)
        assert before.items() <= after.items()
        counts.append(len(after))
        before = after
        assert counts[-1] >= wanted
    output = project.run(*CLASSIFY, "--force")
    assert f"{CLIPS} files: {CLIPS} classified; {CLIPS - counts[-1]} computed" in output
    assert before.items() <= kept(project).items()
    assert len(kept(project)) == CLIPS
    assert len({count for count in counts if 0 < count < CLIPS}) > 1, f"kills fell before or after: {counts}"
    killed = project.hashes("data/predictions")
    shutil.rmtree((project.root / HISTORY).parent)
    assert f"{CLIPS} computed" in project.run(*CLASSIFY, "--force")
    assert project.hashes("data/predictions") == killed
    assert list((project.root / "data").rglob("*.part*")) == []
