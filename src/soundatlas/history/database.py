"""A SQLite file of the history: made once whoever opens it first, only added to, whole after a kill at any moment."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import time
from typing import TYPE_CHECKING, ClassVar, Self

from soundatlas.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

PRIMARY_CODE = 0xFF  # of an error code of SQLite, whose higher bits say more
PAUSE_SECONDS = 0.01
WAIT_SECONDS = 60.0  # for another process's transaction, which takes milliseconds


class Database:
    """A file of the history; made when it is not there yet. To be used as a context manager.

    Raises:
        HistoryError: when the file is damaged or cannot be used, or a later version of soundatlas made it.
    """

    FORMAT: ClassVar[int]
    TABLES: ClassVar[str]
    LOSS: ClassVar[str]  # what it means to do without the file

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._naming_faults():
            self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _prepare(self) -> None:
        """Set the connection up, and make the tables once, whoever else is about to."""
        self._log_ahead()
        self._connection.execute("PRAGMA synchronous = NORMAL")  # a transaction outlives its process, however it ends
        self._connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        with self._transaction():
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found == 0:
                for statement in _statements(self.TABLES):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {self.FORMAT}")
        if found not in {0, self.FORMAT}:
            raise HistoryError(
                f"{self.path} has format {found}, and this version reads {self.FORMAT}: update soundatlas"
            )

    def _log_ahead(self) -> None:
        """Have a write-ahead log, so that readers and a writer do not wait for each other.

        Where several processes make a new file, SQLite refuses some of them the change at once, whatever the time-out.
        """
        ends = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _forget(self, table: str, shas: Iterable[str]) -> int:
        """Remove the rows of some audio from a table, from the file's bytes too; return how many there were."""
        with self._naming_faults():
            with self._transaction():
                removed = self._connection.execute(
                    f"DELETE FROM {table} WHERE audio_sha256 IN (SELECT value FROM json_each(?))",  # noqa: S608 - a name of our own
                    (json.dumps(sorted(set(shas))),),
                ).rowcount
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log held the bytes too
        return removed

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _naming_faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, read-only, disk full
            raise HistoryError(f"{self.path} cannot be used ({error}): mend that and run it again") from None
        except sqlite3.DatabaseError as error:
            raise HistoryError(
                f"{self.path} is damaged ({error}): move it away and run it again; {self.LOSS}"
            ) from None


def now() -> str:
    """Return the time: UTC, ISO 8601, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one: `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
