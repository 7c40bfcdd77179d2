"""The audit trail: only ever added to, there after a kill, and rid of what is forgotten."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soundatlas.attempts import Attempt
from soundatlas.errors import HistoryError, TrackError
from soundatlas.history.audit import AuditTrail, Step, audit_path, open_audit

if TYPE_CHECKING:
    from pathlib import Path

STEP = Step("prediction", "contract", "model")
WELL = Attempt(1_700_000_000.25, 0.125, None)
WRITER = """
import sys
from pathlib import Path
from soundatlas.history.audit import AuditTrail, Step
from soundatlas.attempts import Attempt
with AuditTrail(Path(sys.argv[1]), "writer") as trail:
    for number in range(1_000_000):
        trail.note(Step("spectrogram", "c"), [(str(number), (Attempt(0.0, 0.1, None),))])
        print(number, flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Give the path of a trail that is not there yet."""
    return tmp_path / "data/history/audit.db"


def test_an_attempt_is_told_as_it_was(database):
    """Step, contract, model, outcome, time, duration, and whose process it was."""
    with AuditTrail(database, "classify") as trail:
        trail.note(STEP, [("a", (WELL,))])
        (found,) = trail.of_audio("a")
    assert (found.step, found.outcome, found.message, found.attempt) == (STEP, "computed", None, 1)
    assert (found.began_at, found.seconds) == ("2023-11-14T22:13:20.250+00:00", 0.125)
    assert (found.by, found.run_id) == ("classify", trail.run_id)


def test_every_attempt_is_a_row(database):
    """What failed first and went well then has two rows, in order, the failure with its reason."""
    failed = Attempt(1_700_000_000.0, 60.0, TrackError("timeout", "took longer than 60 s"))
    with AuditTrail(database, "spectrograms") as trail:
        trail.note(STEP, [("a", (failed, Attempt(1_700_000_060.0, 0.5, None))), ("b", (WELL,))])
        found = [(each.outcome, each.message, each.attempt) for each in trail.of_audio("a")]
    assert found == [("timeout", "took longer than 60 s", 1), ("computed", None, 2)]


def test_runs_are_told_apart(database):
    """Each process that computes something has a name of its own; one that computes nothing leaves no trace."""
    for number, by in enumerate(("spectrograms", "make", "idle")):
        with AuditTrail(database, by) as trail:
            trail.note(STEP, [("a", () if by == "idle" else (replace(WELL, began=WELL.began + number),))])
    with AuditTrail(database, "test") as trail:
        found = trail.of_audio("a")
    assert [each.by for each in found] == ["spectrograms", "make"]
    assert found[0].run_id != found[1].run_id
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)


def test_attempt_that_is_told_again_has_one_row(database):
    """A cluster's attempts may be told by two runs; another step, model or moment is another attempt."""
    for by in ("spectrograms", "make"):
        with AuditTrail(database, by) as trail:
            for step in (STEP, replace(STEP, contract_sha256="d" * 64), replace(STEP, model_sha256="m" * 64)):
                trail.note(step, [("a", (WELL, WELL))])
    with AuditTrail(database, "test") as trail:
        found = trail.of_audio("a")
    assert [(each.by, each.attempt) for each in found] == [
        ("spectrograms", number) for _ in range(3) for number in (1, 2)
    ]


def test_rows_are_not_changed(database):
    """Not even by hand."""
    with AuditTrail(database, "make") as trail:
        trail.note(STEP, [("a", (WELL,))])
    for table in ("runs", "attempts"):
        with sqlite3.connect(database) as connection, pytest.raises(sqlite3.IntegrityError, match="not changed"):
            connection.execute(f"UPDATE {table} SET run_id = ''")  # noqa: S608 - two names of ours


def test_forgotten_audio_leaves_no_byte(database):
    """What is forgotten is gone from the file itself, not only from the table; other audio stays."""
    failed = Attempt(0.0, 1.0, TrackError("fault", "a message that stands out"))
    with AuditTrail(database, "make") as trail:
        trail.note(STEP, [("a", (failed,)), ("b", (WELL,))])
        assert trail.forget(["a", "unknown"]) == 1
        assert trail.of_audio("a") == []
        assert len(trail.of_audio("b")) == 1
        held = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"stands out" not in held


def test_a_killed_process_leaves_all_that_it_noted(database):
    """After kill -9 in the midst of writing, each row that was noted is there, and others can go on writing."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(database)], stdout=subprocess.PIPE, text=True)
    noted = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with AuditTrail(database, "next") as trail:
        assert all(len(trail.of_audio(str(number))) == 1 for number in noted)
        trail.note(STEP, [("a", (WELL,))])
        assert len(trail.of_audio("a")) == 1


def test_a_trail_that_cannot_be_used_is_one_line(database):
    """A damaged file says what to do before anything is computed."""
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(HistoryError, match=r"audit\.db is damaged .* move it away"):
        AuditTrail(database, "make")


def test_an_experiment_uses_the_trail_of_the_real_workspace(tmp_path, monkeypatch):
    """Within a DVC experiment it is found from DVC_ROOT, as the registry is."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "real"))
    with open_audit(tmp_path / "temporary", "make") as trail:
        assert trail.path == audit_path(tmp_path / "real")
    assert not (tmp_path / "temporary").exists()
