"""MLflow's SQLite file, read without MLflow, which takes seconds to import."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.files import registry_root

if TYPE_CHECKING:
    from pathlib import Path

EXPERIMENT = "soundatlas"
ALIAS = "champion"
LEDGER_SUFFIX = ".ledger"  # of the registered model that holds another's history
ENTRY_TAG, HEAD_TAG = "entry", "head"  # of a history's versions, and of the history itself
DELETED = "Deleted_Internal"  # MLflow's stage of a version that was deleted
TABLES = {"experiments", "runs", "model_versions", "registered_model_aliases"}


@dataclass(frozen=True)
class DatabaseState:
    """What MLflow's database holds.

    Attributes:
        problem: what SQLite's own check found, or None when the file is sound.
        runs: of the project's experiment, deleted ones not counted.
        versions: of all registered models; entries of their histories not counted.
        champions: the versions that the alias points to, e.g. "soundatlas version 3".
    """

    problem: str | None
    runs: int = 0
    versions: int = 0
    champions: tuple[str, ...] = ()


def read_histories(database: Path) -> dict[str, tuple[list[tuple[int, str]], str | None]]:
    """Return the histories of champions: model -> place and text of each entry, and the mark of where it ends.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    with open_database(database) as connection:
        if not _has_tables(connection):
            return {}
        heads = dict(
            connection.execute(
                "SELECT models.name, tags.value FROM registered_models AS models "
                "LEFT JOIN registered_model_tags AS tags ON tags.name = models.name AND tags.key = ? "
                "WHERE models.name LIKE ?",
                (HEAD_TAG, f"%{LEDGER_SUFFIX}"),
            )
        )
        kept: dict[str, list[tuple[int, str]]] = {name: [] for name in heads}
        for name, place, text in connection.execute(
            "SELECT name, version, value FROM model_version_tags JOIN model_versions USING (name, version) "
            "WHERE key = ? AND name LIKE ? AND current_stage != ? ORDER BY version",
            (ENTRY_TAG, f"%{LEDGER_SUFFIX}", DELETED),
        ):
            kept[name].append((place, text))
    return {name.removesuffix(LEDGER_SUFFIX): (kept[name], head) for name, head in heads.items()}


def has_registry(root: Path) -> bool:
    """Whether there is a registry to read: a server, or a database that a training has made; looking makes none."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (registry_root(root) / "mlruns/mlflow.db").is_file()


def open_database(database: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open a database that must exist. Not read-only: what a killed process left half-written is then rolled back."""
    return contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True))


def read_state(database: Path) -> DatabaseState:
    """Check MLflow's database and count what it holds.

    Raises:
        sqlite3.Error: when it cannot be read.
    """
    with open_database(database) as connection:
        (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            return DatabaseState(str(problem))
        if not _has_tables(connection):
            return DatabaseState(None)
        (runs,) = connection.execute(
            "SELECT count(*) FROM runs JOIN experiments USING (experiment_id) "
            "WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'",
            (EXPERIMENT,),
        ).fetchone()
        (versions,) = connection.execute(
            "SELECT count(*) FROM model_versions WHERE name NOT LIKE ? AND current_stage <> ?",
            (f"%{LEDGER_SUFFIX}", DELETED),
        ).fetchone()
        champions = connection.execute(
            "SELECT name, version FROM registered_model_aliases WHERE alias = ? ORDER BY name", (ALIAS,)
        )
        return DatabaseState(None, runs, versions, tuple(f"{name} version {version}" for name, version in champions))


def _has_tables(connection: sqlite3.Connection) -> bool:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} >= TABLES
