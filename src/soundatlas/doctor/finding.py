"""What a check found: a line for a person, a row for a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from soundatlas.plain_text import hide_logins


class Status(StrEnum):
    """How a matter stands; only a fault must be repaired."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: which check, in a word or two.
        status: how it stands.
        message: what was seen, in one line.
        todo: what to do, where something is to be done.
    """

    check: str
    status: Status
    message: str
    todo: str | None = None

    def without_logins(self) -> Finding:
        """Return the finding with what stands before the @ of an address hidden, and its query: both hold passwords."""
        todo = None if self.todo is None else hide_logins(self.todo)
        return replace(self, message=hide_logins(self.message), todo=todo)


def one_line(text: object) -> str:
    """Return a text, such as an exception's, in one line."""
    return " ".join(str(text).split())
