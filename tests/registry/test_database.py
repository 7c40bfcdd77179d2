"""MLflow's SQLite file, read without MLflow."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from soundatlas.registry.database import ALIAS, DatabaseState, open_database, read_state
from soundatlas.registry.ledger import Event
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.relocation import moved_from, relocate
from soundatlas.registry.tracking import EXPERIMENT, Tracking

KILLED_WRITER = """
import os, sqlite3, sys

connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")
connection.execute("DELETE FROM runs")
connection.execute("DELETE FROM experiments")
connection.execute("CREATE TABLE filling AS SELECT randomblob(100000) AS bytes")
connection.executemany("INSERT INTO filling VALUES (randomblob(?))", [(100000,)] * 50)
os._exit(9)
"""


@pytest.fixture
def tracking(tmp_path):
    """Give a project's MLflow with one run and one deleted run."""
    made = Tracking(tmp_path)
    made.client.create_run(made.experiment_id())
    made.client.delete_run(made.client.create_run(made.experiment_id()).info.run_id)
    return made


def test_what_the_database_holds(tracking, tmp_path):
    """Runs of the project's experiment are counted, deleted and foreign ones not; the champion is named.

    Entries of a history are no versions, nor is one that was deleted.
    """
    tracking.client.create_run(tracking.client.create_experiment("another"))
    tracking.client.create_registered_model("sound")
    (run,) = tracking.client.search_runs([tracking.experiment_id()])
    tracking.client.create_model_version("sound", run.info.artifact_uri, run.info.run_id)
    tracking.client.create_model_version("sound", run.info.artifact_uri, run.info.run_id)
    tracking.client.delete_model_version("sound", "2")
    tracking.client.set_registered_model_alias("sound", ALIAS, "1")
    Ledger(tracking.client, "sound", tmp_path).append(Event.FOUND, "w", before=None, after=None, subject=None)
    assert read_state(tmp_path / "mlruns/mlflow.db") == DatabaseState(None, 1, 1, ("sound version 1",))


def test_empty_database(tmp_path):
    """A file without MLflow's tables is sound and holds nothing."""
    sqlite3.connect(tmp_path / "empty.db").close()
    assert read_state(tmp_path / "empty.db") == DatabaseState(None)


def test_absent_database_is_not_made(tmp_path):
    """Looking for a database does not make one."""
    with pytest.raises(sqlite3.OperationalError), open_database(tmp_path / "absent.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_looking_moves_nothing(tracking, tmp_path):
    """Whether the project was moved can be asked without a change; where it is now is no move."""
    database, elsewhere = tracking.folder / "mlflow.db", tmp_path / "elsewhere"
    here = tracking.folder / "artifacts"
    assert moved_from(database, EXPERIMENT, here) is None
    assert [moved_from(database, EXPERIMENT, elsewhere) for _ in range(2)] == [here.as_uri()] * 2
    assert relocate(database, EXPERIMENT, elsewhere)
    assert moved_from(database, EXPERIMENT, elsewhere) is None


def test_writer_that_was_killed(tracking):
    """What a killed writer had begun is undone, by looking alone."""
    database = tracking.folder / "mlflow.db"
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(database)], check=False)
    assert database.with_name("mlflow.db-journal").stat().st_size > 0
    assert moved_from(database, EXPERIMENT, tracking.folder / "artifacts") is None
    assert read_state(database).runs == 1
