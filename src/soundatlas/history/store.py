"""The history of predictions: `data/history/predictions.db`, keyed by audio, model and what feeds the model.

It is ignored by git and unknown to DVC, and it is not the truth: what it holds need not be computed again, what it
lacks is. Rows are added and never changed; only `soundatlas forget` removes some.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from soundatlas.files import registry_root
from soundatlas.history.answers import Answer
from soundatlas.history.database import Database, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

HISTORY = PurePosixPath("data/history/predictions.db")
FORMAT = 1

TABLES = """
CREATE TABLE predictions (
    audio_sha256 TEXT NOT NULL,     -- of the audio file's bytes
    model_sha256 TEXT NOT NULL,     -- content hash of the bundle
    contract_sha256 TEXT NOT NULL,  -- of what feeds the model: front ends, decoder, and the code around them
    status TEXT NOT NULL,
    message TEXT,
    said TEXT NOT NULL,
    embedding BLOB NOT NULL,
    made_at TEXT NOT NULL,          -- UTC
    PRIMARY KEY (audio_sha256, model_sha256, contract_sha256)
);
CREATE TABLE projections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    model_sha256 TEXT NOT NULL,
    noted_at TEXT NOT NULL          -- UTC
);
CREATE TRIGGER predictions_stay BEFORE UPDATE ON predictions BEGIN SELECT RAISE(ABORT, 'history is not changed'); END;
CREATE TRIGGER projections_stay BEFORE UPDATE ON projections BEGIN SELECT RAISE(ABORT, 'history is not changed'); END;
"""


@dataclass(frozen=True)
class ModelKey:
    """Who made a prediction: a bundle by its content hash, and the hash of what feeds it."""

    model_sha256: str
    contract_sha256: str


@dataclass(frozen=True)
class Record:
    """A prediction of the history: who said it, when, and what."""

    audio_sha256: str
    key: ModelKey
    made_at: str
    answer: Answer


@dataclass(frozen=True)
class Projection:
    """That `data/predictions/` came to show the predictions of another model.

    Attributes:
        number: counts up.
        model_sha256: content hash of that model.
        noted_at: when this was noticed, UTC.
    """

    number: int
    model_sha256: str
    noted_at: str


class PredictionHistory(Database):
    """The predictions of a project, and whose of them were shown when."""

    FORMAT = FORMAT
    TABLES = TABLES
    LOSS = "predictions are then computed anew"

    def read(self, key: ModelKey, shas: Iterable[str]) -> dict[str, Answer]:
        """Return audio SHA-256 -> what this model said of it, for those that it has heard."""
        with self._naming_faults():
            rows = self._connection.execute(
                "SELECT audio_sha256, status, message, said, embedding FROM predictions "
                "WHERE audio_sha256 IN (SELECT value FROM json_each(?)) AND model_sha256 = ? AND contract_sha256 = ?",
                (json.dumps(sorted(set(shas))), key.model_sha256, key.contract_sha256),
            ).fetchall()
        return {sha: Answer(*answer) for sha, *answer in rows}

    def keep(self, key: ModelKey, answers: Mapping[str, Answer]) -> int:
        """Add what a model said, audio SHA-256 -> answer, in one transaction; what is there already stays.

        Returns:
            how many were new.
        """
        made_at = now()
        rows = [
            (sha, key.model_sha256, key.contract_sha256, each.status, each.message, each.said, each.embedding, made_at)
            for sha, each in answers.items()
        ]
        with self._naming_faults(), self._transaction():
            done = self._connection.executemany(
                "INSERT OR IGNORE INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
        return done.rowcount

    def note_projection(self, model_sha256: str) -> None:
        """Note whose predictions `data/predictions/` shows, where that is another model than before."""
        with self._naming_faults(), self._transaction():
            last = self._connection.execute(
                "SELECT model_sha256 FROM projections ORDER BY number DESC LIMIT 1"
            ).fetchone()
            if last is None or last[0] != model_sha256:
                self._connection.execute(
                    "INSERT INTO projections (model_sha256, noted_at) VALUES (?, ?)", (model_sha256, now())
                )

    def projections(self) -> list[Projection]:
        """Return whose predictions were shown, the first one first."""
        with self._naming_faults():
            rows = self._connection.execute("SELECT number, model_sha256, noted_at FROM projections ORDER BY number")
            return [Projection(*row) for row in rows]

    def of_model(self, model_sha256: str, shas: Iterable[str]) -> dict[str, Answer]:
        """Return audio SHA-256 -> what this model said of it last, however it was fed."""
        with self._naming_faults():
            rows = self._connection.execute(
                "SELECT audio_sha256, status, message, said, embedding FROM predictions "
                "WHERE audio_sha256 IN (SELECT value FROM json_each(?)) AND model_sha256 = ? ORDER BY rowid",
                (json.dumps(sorted(set(shas))), model_sha256),
            ).fetchall()
        return {sha: Answer(*answer) for sha, *answer in rows}

    def of_audio(self, audio_sha256: str) -> list[Record]:
        """Return all that was ever said of some audio, the first one first."""
        with self._naming_faults():
            rows = self._connection.execute(
                "SELECT model_sha256, contract_sha256, made_at, status, message, said, embedding FROM predictions "
                "WHERE audio_sha256 = ? ORDER BY rowid",
                (audio_sha256,),
            ).fetchall()
        return [
            Record(audio_sha256, ModelKey(model, contract), made_at, Answer(*answer))
            for model, contract, made_at, *answer in rows
        ]

    def heard(self, shas: Iterable[str]) -> set[str]:
        """Return the audio of which any model has said something."""
        with self._naming_faults():
            rows = self._connection.execute(
                "SELECT DISTINCT audio_sha256 FROM predictions WHERE audio_sha256 IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(set(shas))),),
            ).fetchall()
        return {str(sha) for (sha,) in rows}

    def forget(self, shas: Iterable[str]) -> int:
        """Remove all that was ever said of some audio, from the file's bytes too; return the number of predictions."""
        return self._forget("predictions", shas)


def history_path(root: Path) -> Path:
    """Return where the history lies: within an experiment's temporary folder, that of the real workspace."""
    return registry_root(root) / HISTORY


def open_history(root: Path) -> PredictionHistory:
    """Open the history of a project.

    Raises:
        HistoryError: when it is damaged, or a later version of soundatlas made it.
    """
    return PredictionHistory(history_path(root))
