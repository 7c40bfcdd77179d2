"""The flow `reclassify` through a model's life: new music, a new champion, a rollback, two at once, a kill."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys

import pandas as pd
import pytest
import tiny_project
from pipeline_story import CLIPS, Project

from soundatlas.files import read_json
from soundatlas.registry.database import ALIAS

pytestmark = pytest.mark.slow

RECLASSIFY = (sys.executable, "-m", "flows.reclassify")
OWN = 12


@pytest.fixture(scope="module")
def project(run_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a copy of the project whose pipeline has run, with music of its own in the inbox; the tests share it."""
    root = tmp_path_factory.mktemp("reclassified") / "project"
    shutil.copytree(run_project.root, root, symlinks=True)
    for number in range(OWN):
        tiny_project.write_clip(root / f"data/inbox/{number:02d}.wav", number, seconds=20.0, rate=22_050)
    return Project(root)


def computed(output: str) -> tuple[int, int]:
    """Return the number of files, and how many of them were heard, as stage `classify` reported them."""
    found = re.search(r"classify: (\d+) files: .*; (\d+) computed", output)
    assert found, output
    return int(found[1]), int(found[2])


def artifact(project: Project, key: str) -> str:
    """Return the text of the newest artifact with this key, from Prefect's database."""
    with sqlite3.connect(project.root / ".prefect/prefect.db") as connection:
        (data,) = connection.execute(
            "SELECT data FROM artifact WHERE key = ? ORDER BY created DESC LIMIT 1", (key,)
        ).fetchone()
    return str(json.loads(data))


def champion(project: Project) -> str:
    """Return the content hash of the pinned champion."""
    return str(read_json(project.root / "data/champion.json")["content_sha256"])


def test_new_music_is_all_that_is_heard(project: Project) -> None:
    """After the inbox was filled only what is new is heard; with one file more, one."""
    files, heard = computed(project.run(*RECLASSIFY))
    assert heard == OWN
    tiny_project.write_clip(project.root / "data/inbox/new.wav", 99, seconds=5.0, rate=22_050)
    assert computed(project.run(*RECLASSIFY)) == (files + 1, 1)
    assert "is the first champion with predictions here" in artifact(project, "flips")


def test_a_file_that_failed_in_passing_is_tried_again(project: Project) -> None:
    """A timeout on a busy machine is no verdict: the next run hears the file, though nothing has changed for DVC."""
    failed = pd.read_csv(project.root / "data/predictions/predictions.csv", dtype=str, keep_default_na=False)
    failed.loc[failed["path"] == "data/inbox/new.wav", "status"] = "timeout"
    failed.to_csv(project.root / "data/predictions/predictions.csv", index=False)
    project.run("dvc", "commit", "--force", "classify")
    output = project.run(*RECLASSIFY)
    assert "files that failed for a passing reason, tried again: 1" in output
    assert computed(output) == (len(failed), 0)  # it is in the history: no file has really failed here
    assert "Cached" in project.run(*RECLASSIFY)


def test_a_new_champion_hears_all_once_killed_in_the_middle_and_twice_at_once(project: Project) -> None:
    """Killed while it classifies, two started together go on: the second waits, nothing doubles."""
    project.edit_params(lambda values: values["train"].update(seed=99))
    before = champion(project)
    project.run("dvc", "repro", "promote")
    assert champion(project) != before
    project.kill_when(RECLASSIFY, "classifying new music: 2", after_seconds=0.0)
    first, second = project.start(*RECLASSIFY), project.start(*RECLASSIFY)
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert sum("another run is at work" in output for output in outputs) == 1
    [(files, heard)] = [computed(output) for output in outputs if "computed" in output]
    assert files == OWN + 3
    assert heard < files
    text = artifact(project, "flips")
    assert f"soundatlas version 1 ({before[:12]}) → soundatlas version 2" in text
    assert f"{files} of {files} files compared" in text
    with sqlite3.connect(project.root / "data/history/predictions.db") as connection:
        counts = connection.execute("SELECT model_sha256, count(*) FROM predictions GROUP BY 1").fetchall()
    catalogue = sum(CLIPS.values())  # heard for the map
    assert dict(counts) == dict.fromkeys((before, champion(project)), files + catalogue)


def test_a_rollback_brings_the_predictions_back_without_hearing_anything(project: Project) -> None:
    """With the alias moved back by hand, the earlier champion's predictions come from the history, and stay.

    DVC's own memory of runs is removed first, so that the history is all there is.
    """
    from soundatlas.registry.tracking import Tracking

    second = project.hashes("data/predictions")
    Tracking(project.root).client.set_registered_model_alias("soundatlas", ALIAS, "1")
    shutil.rmtree(project.root / ".dvc/cache/runs")
    files, heard = computed(project.run(*RECLASSIFY))
    assert (files, heard) == (OWN + 3, 0)
    first = project.hashes("data/predictions")
    assert first != second
    assert "soundatlas version 2" in artifact(project, "flips").partition("→")[0]
    assert "version 1" in project.run("dvc", "repro", "classify").partition("the champion is")[2]
    assert project.hashes("data/predictions") == first
    Tracking(project.root).client.set_registered_model_alias("soundatlas", ALIAS, "2")
    project.run(*RECLASSIFY)
    assert project.hashes("data/predictions") == second
