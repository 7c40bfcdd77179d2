"""The audit trail: `data/history/audit.db`, which step was done to which audio, when, how long, under which contract.

A row per attempt at a computation, failed ones included; what was kept from before is no row. Rows are added and never
changed; only `soundatlas forget` removes some. An audit with holes says nothing, so a trail that cannot be written ends
the run with one line. It is written before what was computed is stored: whatever is stored has its row, and a
computation that was lost to a kill has two.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from soundatlas.files import registry_root
from soundatlas.history.database import Database, now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from soundatlas.attempts import Attempt

AUDIT = PurePosixPath("data/history/audit.db")
COMPUTED = "computed"
SPECTROGRAM, FEATURES, STEMS, PREDICTION = "spectrogram", "features", "stems", "prediction"

TABLES = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    by TEXT NOT NULL,               -- a stage, or a command
    process INTEGER NOT NULL,
    version TEXT NOT NULL,          -- of soundatlas
    began_at TEXT NOT NULL          -- UTC
);
CREATE TABLE attempts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    audio_sha256 TEXT NOT NULL,     -- of the bytes that it was made from
    step TEXT NOT NULL,             -- spectrogram, features, stems, prediction
    contract_sha256 TEXT NOT NULL,  -- of all that shapes it
    model_sha256 TEXT,              -- of a prediction: content hash of the bundle
    outcome TEXT NOT NULL,          -- "computed", or a reason code of tables.REASONS
    message TEXT,                   -- one sentence, where it failed
    attempt INTEGER NOT NULL,       -- 1, and more where it was tried again
    began_at TEXT NOT NULL,         -- UTC, to the millisecond
    seconds REAL NOT NULL,          -- of wall time
    run_id TEXT NOT NULL
);
CREATE INDEX attempts_of_audio ON attempts (audio_sha256);
CREATE TRIGGER runs_stay BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'history is not changed'); END;
CREATE TRIGGER attempts_stay BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'history is not changed'); END;
"""


@dataclass(frozen=True)
class Step:
    """What is being made of tracks.

    Attributes:
        name: "spectrogram", "features", "stems" or "prediction".
        contract_sha256: of all that shapes it.
        model_sha256: of a prediction, the model's content hash.
    """

    name: str
    contract_sha256: str
    model_sha256: str | None = None


@dataclass(frozen=True)
class AttemptRecord:
    """A row of the trail.

    Attributes:
        step: what was being made.
        outcome: "computed", or a reason code of `tables.REASONS`.
        message: one sentence, where it failed.
        attempt: counts from 1 where it was tried again.
        began_at: UTC, ISO 8601, to the millisecond.
        seconds: of wall time.
        by: the stage or command.
        run_id: of its process.
        version: of soundatlas.
    """

    step: Step
    outcome: str
    message: str | None
    attempt: int
    began_at: str
    seconds: float
    by: str
    run_id: str
    version: str


class AuditTrail(Database):
    """The audit trail of a project. To be used as a context manager, by one process."""

    FORMAT = 1
    TABLES = TABLES
    LOSS = "what was done to which track until now is then told by no one"

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(path)
        self.run_id = uuid.uuid4().hex[:12]
        self._by = by
        self._is_entered = False

    def note(self, step: Step, attempts: Iterable[tuple[str, Sequence[Attempt]]]) -> None:
        """Add what was attempted, audio SHA-256 and its attempts, in one transaction; what is there already stays so.

        A cluster's attempts are told again where they were noted, and a kill kept that from being noted.
        """
        rows = [
            (
                sha,
                step.name,
                step.contract_sha256,
                step.model_sha256,
                COMPUTED if each.failure is None else each.failure.reason,
                None if each.failure is None else each.failure.message,
                number,
                dt.datetime.fromtimestamp(each.began, dt.UTC).isoformat(timespec="milliseconds"),
                round(each.seconds, 6),
                self.run_id,
            )
            for sha, tried in attempts
            for number, each in enumerate(tried, start=1)
        ]
        if not rows:
            return
        with self._naming_faults(), self._transaction():
            if not self._is_entered:  # a run that computes nothing leaves no trace
                run = (self.run_id, self._by, os.getpid(), version("soundatlas"), now())
                self._connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", run)
            self._connection.executemany(
                "INSERT INTO attempts (audio_sha256, step, contract_sha256, model_sha256, outcome, message, attempt, "
                "began_at, seconds, run_id) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 "
                "FROM attempts WHERE audio_sha256 = ?1 AND step = ?2 AND contract_sha256 = ?3 AND model_sha256 IS ?4 "
                "AND attempt = ?7 AND began_at = ?8)",
                rows,
            )
        self._is_entered = True

    def noting(self, step: Step) -> Callable[[Mapping[str, Sequence[Attempt]]], None]:
        """Return a function that adds what was attempted: audio SHA-256 -> attempts."""
        return lambda attempted: self.note(step, attempted.items())

    def of_audio(self, audio_sha256: str) -> list[AttemptRecord]:
        """Return all that was attempted with some audio, the first attempt first."""
        with self._naming_faults():
            rows = self._connection.execute(
                "SELECT step, contract_sha256, model_sha256, outcome, message, attempt, attempts.began_at, seconds, "
                "by, run_id, version FROM attempts JOIN runs USING (run_id) WHERE audio_sha256 = ? "
                "ORDER BY attempts.began_at, number",
                (audio_sha256,),
            ).fetchall()
        return [AttemptRecord(Step(*row[:3]), *row[3:]) for row in rows]

    def forget(self, shas: Iterable[str]) -> int:
        """Remove all that was attempted with some audio, from the file's bytes too; return the number of attempts."""
        return self._forget("attempts", shas)


def audit_path(root: Path) -> Path:
    """Return where the trail lies: within an experiment's temporary folder, that of the real workspace."""
    return registry_root(root) / AUDIT


def open_audit(root: Path, by: str) -> AuditTrail:
    """Open the audit trail of a project.

    Args:
        root: the project.
        by: which stage or command is going to write.

    Raises:
        HistoryError: when it is damaged or cannot be used, or a later version of soundatlas made it.
    """
    return AuditTrail(audit_path(root), by)
