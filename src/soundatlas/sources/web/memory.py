"""What a service has told already, kept between runs, so that a killed or refused run asks for nothing twice."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from soundatlas.errors import QuotaError, SoundatlasError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from soundatlas.sources.base import Listing
    from soundatlas.sources.web.clock import Clock

FILE = "answers.db"
QUOTA, ANEW = "resume_after", "asked for anew"
TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, asked_at REAL NOT NULL, value TEXT NOT NULL)"


class Memory:
    """A table of answers; each is there whole or not at all, also after a kill.

    Args:
        connection: of its database.
        clock: for the time of day.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def keep(self, answers: Mapping[str, Any]) -> None:
        """Keep some answers, all or none of them."""
        now = self._clock.now()
        rows = [(key, now, json.dumps(value)) for key, value in answers.items()]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def recall(self, key: str, *, max_age_seconds: float = float("inf")) -> Any:
        """Return what was told not longer ago than that, or None."""
        row = self._connection.execute("SELECT asked_at, value FROM answers WHERE key = ?", (key,)).fetchone()
        return json.loads(row[1]) if row and self._clock.now() - row[0] <= max_age_seconds else None

    def recall_all(self, prefix: str, *, max_age_seconds: float = float("inf")) -> dict[str, Any]:
        """Return everything that was told under keys with a prefix, by the rest of its key."""
        rows = self._connection.execute(
            "SELECT key, value FROM answers WHERE substr(key, 1, ?) = ? AND asked_at >= ? ORDER BY rowid",
            (len(prefix), prefix, self._clock.now() - max_age_seconds),
        )
        return {key[len(prefix) :]: json.loads(value) for key, value in rows}

    def forget(self, prefix: str) -> None:
        """Forget everything under keys with a prefix."""
        with self._connection:
            self._connection.execute("DELETE FROM answers WHERE substr(key, 1, ?) = ?", (len(prefix), prefix))

    def want_anew(self) -> None:
        """Keep that everything is to be asked for anew as soon as the service may be asked."""
        self.keep({ANEW: True})

    def forget_if_wanted(self) -> None:
        """Forget the answers where everything is to be asked for anew: now that it can be."""
        if self.recall(ANEW) is not None:
            self.forget_answers()

    def forget_answers(self) -> None:
        """Forget everything but until when the service wants no more requests."""
        with self._connection:
            self._connection.execute("DELETE FROM answers WHERE key != ?", (QUOTA,))

    def remember_quota(self, resume_after: dt.datetime) -> None:
        """Keep until when the service wants no more requests."""
        self.keep({QUOTA: resume_after.isoformat()})

    def refuse_before_quota_ends(self, site: str, previous: Listing | None) -> None:
        """Do nothing where the service may be asked.

        Args:
            site: what to call it.
            previous: the last listing, which may end at a quota too.

        Raises:
            QuotaError: when it wants no more requests still, whatever was asked of it then.
        """
        told = self.recall(QUOTA)
        moments = [dt.datetime.fromisoformat(told)] if told is not None else []
        moments += [previous.resume_after] if previous is not None and previous.resume_after is not None else []
        if moments and (resume := max(moments)).timestamp() > self._clock.now():
            raise QuotaError(f"{site} was not asked, it allows no more for now", resume)


@contextmanager
def open_memory(folder: Path, clock: Clock) -> Iterator[Memory]:
    """Open the memory of a source, in a folder of its own.

    Raises:
        SoundatlasError: when it is damaged, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / FILE)
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # with it, a kept answer need not wait for the disk,
        connection.execute("PRAGMA synchronous=NORMAL")  # and is safe from a kill all the same
        connection.execute(TABLE)
        yield Memory(connection, clock)
    except sqlite3.Error as error:
        raise SoundatlasError(
            f"{folder / FILE} cannot be used ({error}): make room if the disk is full, otherwise delete it"
        ) from error
    finally:
        connection.close()
