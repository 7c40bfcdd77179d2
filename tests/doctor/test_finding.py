"""A finding never shows a login."""

from __future__ import annotations

import pytest

from soundatlas.doctor.finding import Finding, Status, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://anna:geheim@host:5000/api is down", "https://***@host:5000/api is down"),
        ("at postgresql://anna:p@ss/w@rd@host/db.", "at postgresql://***@host/db."),
        ("https://token@host", "https://***@host"),
        ("https://host:5000/api", "https://host:5000/api"),
        ("postgresql://db/mlflow?user=me&password=s3cret, so", "postgresql://db/mlflow?***, so"),
        ("postgresql://anna:geheim@db/mlflow?password=s3cret", "postgresql://***@db/mlflow?***"),
        ("postgresql://db/mlflow?user=me@home&password=s3cret", "postgresql://***"),
        ("postgresql://anna:what?s3cret@db/mlflow.", "postgresql://***."),
        ("mail to anna@example.org", "mail to anna@example.org"),
    ],
)
def test_logins_are_hidden(text, shown):
    """What stands between an address's scheme and its last @ is hidden, and its query, in message and to-do."""
    finding = Finding("check", Status.FAULT, text, text).without_logins()
    assert (finding.message, finding.todo) == (shown, shown)


def test_finding_without_todo_keeps_none():
    """Where there is nothing to do, hiding logins invents nothing."""
    finding = Finding("check", Status.OK, "well")
    assert finding.without_logins() == finding


def test_one_line():
    """An exception of several lines becomes one."""
    assert one_line(ValueError("first\n  second\n")) == "first second"
