"""A project folder that was moved or copied: MLflow keeps absolute paths in its database, which then point elsewhere.

Without this, a moved project would write its artifacts into the folder where it used to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.registry.database import open_database

if TYPE_CHECKING:
    from pathlib import Path

# Where MLflow 3 keeps locations of artifacts; the tables' other paths only say where code was run.
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def moved_from(database: Path, experiment: str, artifacts: Path) -> str | None:
    """Return the folder, as a URI, where the database takes the artifacts to be, or None when that is `artifacts`.

    Args:
        database: MLflow's SQLite file; absent or without the experiment is nothing moved.
        experiment: the name of the project's experiment.
        artifacts: where its artifacts lie now.
    """
    if not database.is_file():
        return None
    with open_database(database) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return None
        row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
    recorded = row[0] if row else None
    return None if recorded in {None, artifacts.as_uri()} else str(recorded)


def relocate(database: Path, experiment: str, artifacts: Path) -> bool:
    """Point every location below the experiment's recorded artifact folder to `artifacts`.

    Args:
        database: MLflow's SQLite file; absent is nothing to do.
        experiment: the name of the project's experiment.
        artifacts: where its artifacts lie now.

    Returns:
        whether the folder had been elsewhere.
    """
    before, now = moved_from(database, experiment, artifacts), artifacts.as_uri()
    if before is None:
        return False
    with open_database(database) as connection, connection:
        for table, column in LOCATIONS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608 - names from the list above
                (now, len(before) + 1, len(before), before),
            )
    return True
