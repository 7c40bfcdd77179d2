"""A project folder that was moved or copied: MLflow keeps absolute paths in its database, which then point elsewhere.

Without this, a moved project would write its artifacts into the folder where it used to be.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Where MLflow 3 keeps locations of artifacts; the tables' other paths only say where code was run.
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def relocate(database: Path, experiment: str, artifacts: Path) -> bool:
    """Point every location below the experiment's recorded artifact folder to `artifacts`.

    Args:
        database: MLflow's SQLite file; absent is nothing to do.
        experiment: the name of the project's experiment.
        artifacts: where its artifacts lie now.

    Returns:
        whether the folder had been elsewhere.
    """
    if not database.is_file():
        return False
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return False
        row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
        before, now = (row[0] if row else None), artifacts.as_uri()
        if before in {None, now}:
            return False
        for table, column in LOCATIONS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608 - names from the list above
                (now, len(before) + 1, len(before), before),
            )
    return True
