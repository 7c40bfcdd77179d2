"""`soundatlas history` and `soundatlas champion`: what is shown, exported and verified."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from datetime import UTC, datetime

import pytest

from soundatlas.commands import history
from soundatlas.commands.history import parse_moment
from soundatlas.errors import UsageError
from soundatlas.registry.database import ALIAS
from soundatlas.registry.tracking import Tracking


def test_before_any_decision(project, command):
    """There is nothing to show, nothing to verify, and nobody is champion: said, and the last is exit code 3."""
    assert command(project, "history") == (0, "no champion yet, and nobody was refused\n", "")
    assert command(project, "history", "--verify")[:2] == (0, "the history is empty\n")
    code, out, err = command(project, "champion")
    assert (code, out) == (3, "")
    assert err.startswith("soundatlas: nobody was champion at ")
    assert not (project / "mlruns/mlflow.db").exists()


def test_the_history_is_shown_and_verifies(judged, command):
    """An entry per decision, refusals too, for a person and for a program; the whole chain verifies."""
    code, out, err = command(judged, "history")
    assert (code, err) == (0, "")
    for shown in ("none → 1", "2 refused", "1 → 3"):
        assert shown in out
    entries = json.loads(command(judged, "history", "--json")[1])
    assert [entry["event"] for entry in entries] == ["promoted", "refused", "promoted"]
    code, out, _ = command(judged, "history", "--verify")
    assert code == 0
    assert out == f"3 entries, each as it was written; the last is 3, {entries[-1]['sha256']}\n"


def test_a_changed_byte_fails(judged, command):
    """One byte of the ledger becomes another: exit code 1, and the entry is named."""
    with sqlite3.connect(judged / "mlruns/mlflow.db") as connection:
        changed = connection.execute(
            "UPDATE model_version_tags SET value = replace(value, 'on 2', 'on 9') "
            "WHERE name = 'soundatlas.ledger' AND key = 'entry'"
        )
        assert changed.rowcount == 3
    code, out, err = command(judged, "history", "--verify")
    assert (code, out) == (1, "")
    assert "entry 2: it was changed: its hash does not fit" in err
    assert "entry 2: it was changed" in command(judged, "history")[1]
    code, _, err = command(judged, "history", "--export", str(judged / "history.jsonl"))
    assert (code, "not exported" in err) == (1, True)


def test_an_exported_history_is_checked_alone(judged, command, tmp_path):
    """The file verifies in a folder without project or registry; with a byte changed or a line lost it does not."""
    file = tmp_path / "elsewhere" / "history.jsonl"
    code, out, _ = command(judged, "history", "--export", str(file))
    assert (code, out) == (0, f"3 entries in {file}\n")
    code, out, _ = command(tmp_path, "history", "--verify", str(file))
    assert (code, out.startswith("3 entries, each as it was written")) == (0, True)
    assert "1 → 3" in command(tmp_path, "history", str(file))[1]
    lines = file.read_text().splitlines(keepends=True)
    for broken in (lines[:1] + lines[2:], [lines[0].replace("on 1", "on 7"), *lines[1:]], [*lines, "{}\n"]):
        file.write_text("".join(broken))
        code, _, err = command(tmp_path, "history", "--verify", str(file))
        assert code == 1
        assert re.search(r"entry \d: ", err)
    file.write_bytes(b"\xff\xfe\x00")
    assert command(tmp_path, "history", "--verify", str(file))[0] == 1
    assert command(tmp_path, "history", "--verify", str(tmp_path / "absent"))[0] == 2


def test_what_is_no_history_is_told_in_few_lines(project, command):
    """Of a long file that is something else, some lines are told and the rest counted."""
    (project / "poem.txt").write_text("not an entry\n" * 100, encoding="ascii")
    code, out, err = command(project, "history", "--verify", "poem.txt")
    assert (code, out) == (1, "")
    assert err.count("\n") == 22
    assert err.splitlines()[-1].startswith("and ")


@pytest.mark.parametrize(
    "arguments",
    [("history", "--verify"), ("history",), ("history", "--export"), ("restore",), ("backup",)],
)
def test_what_is_no_file_is_neither_read_nor_replaced(arguments, judged, command):
    """A pipe is not waited for, a device not replaced, and a folder is said to be one."""
    os.mkfifo(judged / "pipe")
    for name, said in (("pipe", "pipe is no regular file: name another"), ("data", "data is a folder: name a file")):
        code, out, err = command(judged, *arguments, name)
        assert (code, out, err) == (2, "", f"soundatlas: {said}\n")
    assert (judged / "pipe").is_fifo()


def test_a_move_by_hand_is_told_before_it_is_entered(judged, command):
    """Between a move in MLflow's pages and the next sync, the history says what it does not hold yet."""
    Tracking(judged).client.set_registered_model_alias("soundatlas", ALIAS, "1")
    out = command(judged, "history")[1]
    assert "the alias points to version 1 now, which the next `dvc repro` enters" in out
    assert "version 1 now" in command(judged, "champion")[1]


def test_champion_at_a_time(judged, command):
    """Today's champion, for a person and for a program; nobody on a day before the history began."""
    today = datetime.now(UTC).date().isoformat()
    code, out, _ = command(judged, "champion", "--at", today)
    assert code == 0
    assert f"champion of soundatlas at {today}T23:59:59+00:00 was version 3 (" in out
    about = json.loads(command(judged, "champion", "--json")[1])
    assert (about["version"], about["event"], about["why"]) == ("3", "promoted", "[b]gate[/b] on 3")
    code, _, err = command(judged, "champion", "--at", "2020-01-01")
    assert code == 3
    assert "nobody was champion at 2020-01-01T23:59:59+00:00; the history begins at 20" in err


def test_the_champion_does_not_hang_on_the_clock(judged, command, monkeypatch):
    """A clock that was set back since the promotion changes nothing about who is champion."""

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr(history, "datetime", Earlier)
    code, out, _ = command(judged, "champion")
    assert code == 0
    assert "champion of soundatlas is version 3 (" in out


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", "2026-11-01T23:59:59+00:00"),
        ("2026-11-01T12:30", "2026-11-01T12:30:00+00:00"),
        ("2026-11-01 12:30:05", "2026-11-01T12:30:05+00:00"),
        ("2026-11-01T12:30+01:00", "2026-11-01T11:30:00+00:00"),
        ("2026-11-01T12:30Z", "2026-11-01T12:30:00+00:00"),
    ],
)
def test_moments(text, moment):
    """A date means its end; a time without a zone is UTC."""
    assert parse_moment(text) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "01.11.2026", "2026-11-01T25:00"])
def test_what_is_no_moment(text):
    """It is refused in one line that shows what to write."""
    with pytest.raises(UsageError, match=r"is no time: write 2026-11-01"):
        parse_moment(text)


@pytest.mark.parametrize(
    "arguments",
    [("--export", "f", "--verify"), ("--export", "f", "--json"), ("f", "--export", "g"), ("--verify", "--json")],
)
def test_options_that_do_not_go_together(project, command, arguments):
    """They are refused with exit code 2 before anything is read."""
    assert command(project, "history", *arguments)[0] == 2
