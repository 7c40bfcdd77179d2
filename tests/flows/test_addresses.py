"""The record of a running `make ui`, as other programs read it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flows.addresses import RECORD, UiAddresses, forget_ui, record_ui, running_ui

if TYPE_CHECKING:
    from pathlib import Path

THERE = UiAddresses("http://127.0.0.1:1/api", "http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3")


def test_nobody_serves_a_new_project(tmp_path: Path) -> None:
    """Without a record there is no server."""
    assert running_ui(tmp_path) is None


def test_a_running_ui_is_found(tmp_path: Path) -> None:
    """While the process that wrote the record lives, its addresses are given."""
    record_ui(tmp_path, THERE, ready=True)
    assert running_ui(tmp_path) == THERE


def test_a_starting_ui_is_not_yet_for_use(tmp_path: Path) -> None:
    """One that does not answer yet is seen only by who asks for it."""
    record_ui(tmp_path, THERE, ready=False)
    assert running_ui(tmp_path) is None
    assert running_ui(tmp_path, starting=True) == THERE


def test_a_killed_ui_is_not_found(tmp_path: Path) -> None:
    """What a killed process left behind does not count."""
    script = (
        "import os, sys; from pathlib import Path; from flows.addresses import *;"
        "record_ui(Path(sys.argv[1]), UiAddresses('a', 'b', 'c', 'd'), ready=True); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert (tmp_path / RECORD).exists()
    assert running_ui(tmp_path) is None


def test_another_process_with_its_id_is_not_taken_for_it(tmp_path: Path) -> None:
    """Process ids come again: one that began at another time is a stranger."""
    record_ui(tmp_path, THERE, ready=True)
    record = json.loads((tmp_path / RECORD).read_text(encoding="utf-8"))
    record["create_time"] -= 3600
    (tmp_path / RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert running_ui(tmp_path) is None


def test_a_copied_folder_is_not_served(tmp_path: Path) -> None:
    """The record that came along with a copy of the project speaks of the original."""
    record_ui(tmp_path / "original", THERE, ready=True)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    assert running_ui(tmp_path / "original") == THERE
    assert running_ui(tmp_path / "copy") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": "x"}', '{"pid": 1}'])
def test_a_spoilt_record_is_no_record(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, asking does not fail; and a process forgets only its own record."""
    (tmp_path / RECORD).parent.mkdir()
    (tmp_path / RECORD).write_text(text, encoding="utf-8")
    assert running_ui(tmp_path) is None
    forget_ui(tmp_path)
    assert (tmp_path / RECORD).read_text(encoding="utf-8") == text


def test_forgetting_removes_the_record(tmp_path: Path) -> None:
    """At a clean end the record goes; forgetting twice is no fault."""
    record_ui(tmp_path, THERE, ready=True)
    forget_ui(tmp_path)
    forget_ui(tmp_path)
    assert not (tmp_path / RECORD).exists()
