"""kill -9 in the middle of a stage, or a second run beside it: it ends with what an undisturbed one makes."""

from __future__ import annotations

import os
import signal

import pytest
from pipeline_story import PATIENCE_SECONDS, TABLES, Project

pytestmark = pytest.mark.slow

REPRO = ("dvc", "repro")


def test_killed_at_every_stage(project: Project, other_project: Project) -> None:
    """Killed in catalog, in spectrograms and in train, and run again: the same bytes as elsewhere without a kill.

    Training too: it goes on after its last whole epoch, with TensorFlow's deterministic operations.
    """
    project.kill_when((*REPRO, "catalog"), "rendering the demo catalogue: 5", after_seconds=0.2)
    assert not (project.root / "data/catalog/tracks.parquet").exists()
    project.run(*REPRO, "catalog")
    project.kill_when((*REPRO, "spectrograms"), "computing spectrograms: 2", after_seconds=0.1)
    project.run(*REPRO, "validate")
    project.kill_when((*REPRO, "train"), "train: epoch 1", after_seconds=0.3)
    assert not (project.root / "data/model").exists()
    assert "train: goes on after epoch" in project.run(*REPRO, "train")
    assert not (project.root / "data/.unfinished/train").exists()
    other_project.run(*REPRO, "train")
    assert project.hashes(*TABLES, "data/model") == other_project.hashes(*TABLES, "data/model")
    assert list((project.root / "data").rglob("*.part*")) == []


def test_a_second_run_beside_a_training(project: Project) -> None:
    """DVC tells it to wait, and it takes nothing from the first, which ends well."""
    project.edit_params(lambda values: values["train"].update(epochs=3))
    first = project.start(*REPRO, "train")
    assert first.stdout is not None
    assert any("train: epoch 1" in line for line in first.stdout)
    os.killpg(first.pid, signal.SIGSTOP)  # so that it trains as long as the second one lasts
    second = project.start(*REPRO)
    output, _ = second.communicate(timeout=PATIENCE_SECONDS)
    os.killpg(first.pid, signal.SIGCONT)
    assert second.returncode != 0
    assert "is busy, it is being blocked by" in output
    rest, _ = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 0, rest
    assert (project.root / "data/model/about.json").is_file()
