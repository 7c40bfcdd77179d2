"""A project folder that was moved keeps its runs, and writes nothing to where it used to be."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys

from soundatlas.registry.relocation import relocate
from soundatlas.registry.tracking import EXPERIMENT, Tracking

AFTER_THE_MOVE = """
import sys
from pathlib import Path
from soundatlas.registry.tracking import Tracking

tracking = Tracking(Path(sys.argv[1]))
first = Path(tracking.client.download_artifacts(sys.argv[2], "note.txt")).read_text()
run = tracking.client.create_run(tracking.experiment_id()).info.run_id
tracking.client.log_text(run, f"second after {first}", "note.txt")
"""


def test_moved_project_writes_below_its_new_folder(tmp_path):
    """After a move, old and new runs have their artifacts in the new folder, and the old one does not come back."""
    before, after = tmp_path / "old place", tmp_path / "new"
    tracking = Tracking(before)
    run = tracking.client.create_run(tracking.experiment_id()).info.run_id
    tracking.client.log_text(run, "first", "note.txt")
    shutil.move(before, after)
    subprocess.run([sys.executable, "-c", AFTER_THE_MOVE, str(after), run], check=True)  # MLflow remembers per process
    notes = sorted(path.read_text(encoding="utf-8") for path in (after / "mlruns/artifacts").rglob("note.txt"))
    assert notes == ["first", "second after first"]
    assert not before.exists()


def test_a_project_that_stayed_is_left_alone(tmp_path):
    """Nothing is written where nothing moved, and a missing or empty database is no fault."""
    tracking = Tracking(tmp_path)
    tracking.experiment_id()
    database = tmp_path / "mlruns/mlflow.db"
    assert not relocate(database, EXPERIMENT, tmp_path / "mlruns/artifacts")
    assert relocate(database, EXPERIMENT, tmp_path / "elsewhere")
    assert not relocate(tmp_path / "absent.db", EXPERIMENT, tmp_path)
    sqlite3.connect(tmp_path / "empty.db").close()
    assert not relocate(tmp_path / "empty.db", EXPERIMENT, tmp_path)
