"""The pipeline as DVC sees it: stale stages, broken files, and who holds the lock."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest
from two_stages import dvc

from soundatlas.doctor.finding import Status
from soundatlas.doctor.pipeline import RWLOCK, check_dvc_lock, check_stages


def ended_pid() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_before_the_first_run(dvc_project):
    """Without a dvc.lock, nothing has run here, and that is no fault."""
    (found,) = check_stages(dvc_project)
    assert found.status is Status.OK
    assert found.message.startswith("2 stages, none of which has run here (no dvc.lock)")


def test_after_a_run(dvc_project):
    """After a run all is up to date, though one stage always runs."""
    dvc(dvc_project, "repro", "--quiet")
    (found,) = check_stages(dvc_project)
    assert (found.status, found.message) == (Status.OK, "2 stages, all up to date")


def test_stale_stages_are_named(dvc_project, monkeypatch):
    """What would run is named, also from a folder within the project; it needs no repair."""
    dvc(dvc_project, "repro", "--quiet")
    (dvc_project / "a.txt").write_text("changed", encoding="utf-8")
    monkeypatch.chdir(dvc_project / "data")
    (found,) = check_stages(dvc_project)
    assert (found.status, found.message) == (Status.OK, "2 stages; `dvc repro` would run: copy")


@pytest.mark.parametrize("text", ["stages: [", "stages:\n  copy:\n    comand: cp\n"])
def test_broken_dvc_yaml(dvc_project, text):
    """A dvc.yaml that DVC cannot read is a fault in DVC's words."""
    (dvc_project / "dvc.yaml").write_text(text, encoding="utf-8")
    (found,) = check_stages(dvc_project)
    assert found.status is Status.FAULT
    assert "dvc.yaml" in found.message
    assert found.todo


def test_two_stages_with_one_output(dvc_project):
    """A graph that cannot be is a fault that names the output."""
    with (dvc_project / "dvc.yaml").open("a", encoding="utf-8") as file:
        file.write("  again:\n    cmd: echo\n    outs: [b.txt]\n")
    (found,) = check_stages(dvc_project)
    assert found.status is Status.FAULT
    assert "b.txt" in found.message


def test_project_that_dvc_does_not_know(project):
    """A folder without DVC's own is a fault."""
    assert check_stages(project)[0].status is Status.FAULT


def test_stages_are_not_compared_while_dvc_is_busy(dvc_project, lock):
    """While another process holds the lock, the doctor says so and calls nothing broken."""
    dvc(dvc_project, "repro", "--quiet")
    lock(os.getpid())
    (found,) = check_stages(dvc_project)
    assert (found.status, found.message) == (Status.OK, "2 stages; not compared while DVC's lock is held")


def test_free_lock(dvc_project):
    """Nobody holds a lock before and after a run."""
    assert check_dvc_lock(dvc_project)[0].message == "free"
    dvc(dvc_project, "repro", "--quiet")
    assert check_dvc_lock(dvc_project)[0].message == "free"


def test_lock_of_a_running_dvc(dvc_project, lock, sleeper):
    """A lock held by a process that works in this project is no fault; the process is named."""
    pid = sleeper(dvc_project, "dvc", "repro")
    lock(pid)
    (found,) = check_dvc_lock(dvc_project)
    assert found.status is Status.OK
    assert found.message.startswith(f"held by pid {pid}: ")


def test_lock_of_a_killed_dvc(dvc_project, lock):
    """What a killed run left behind is DVC's to remove, and removed once the stages have been compared."""
    pid = ended_pid()
    lock(pid)
    (found,) = check_dvc_lock(dvc_project)
    assert (found.status, found.message) == (
        Status.OK,
        f"left behind by a killed run (pid {pid}); DVC removes it itself",
    )
    assert "not compared" not in check_stages(dvc_project)[0].message


def test_number_that_now_belongs_to_another_folder(dvc_project, tmp_path, lock, sleeper):
    """A lock whose process number is now a program elsewhere blocks DVC for ever: a warning that says how to end it."""
    lock(sleeper(tmp_path))
    (found,) = check_dvc_lock(dvc_project)
    assert found.status is Status.WARNING
    assert "once `dvc repro`" in found.message
    assert f"delete {RWLOCK}" in found.todo


def test_number_that_was_given_out_again(dvc_project, lock, sleeper):
    """A process that is younger than the lock cannot have made it, wherever it works."""
    path = lock(sleeper(dvc_project, "dvc"))
    os.utime(path, (0, 0))
    assert check_dvc_lock(dvc_project)[0].status is Status.WARNING


def test_dead_process_that_nobody_has_noticed(dvc_project, lock):
    """A process that has ended, but still has its number, blocks DVC too."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:  # until its parent, this test, waits for it
        time.sleep(0.01)
    lock(process.pid)
    (found,) = check_dvc_lock(dvc_project)
    process.wait()
    assert found.status is Status.WARNING
    assert "has ended" in found.message


@pytest.mark.parametrize("text", ['{"write"', "[]", '{"write": {"b.txt": {}}}'])
def test_damaged_lock(dvc_project, lock, text):
    """A lock file that was cut off stops every run: a fault that says what to delete."""
    lock(os.getpid()).write_text(text, encoding="utf-8")
    (found,) = check_dvc_lock(dvc_project)
    assert found.status is Status.FAULT
    assert f"delete {RWLOCK}" in found.todo
