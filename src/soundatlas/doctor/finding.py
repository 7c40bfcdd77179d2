"""What a check found: a line for a person, a row for a program."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

ADDRESS = re.compile(r"://(\S+?)(?=[.,:;)]*(?:\s|$))")  # its place and query, without the end of a sentence


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
        todo = None if self.todo is None else _hide_logins(self.todo)
        return replace(self, message=_hide_logins(self.message), todo=todo)


def one_line(text: object) -> str:
    """Return a text, such as an exception's, in one line."""
    return " ".join(str(text).split())


def _hide_logins(text: str) -> str:
    return ADDRESS.sub(_hide_login, text)


def _hide_login(address: re.Match[str]) -> str:
    place, asks, query = address[1].partition("?")
    if "@" in query:  # a login with a question mark in it, or a query with an @: who knows
        return "://***"
    login, at, host = place.rpartition("@")  # the last one: a password may hold one
    return f"://{'***' if login else ''}{at}{host}{asks}{'***' if query else ''}"
