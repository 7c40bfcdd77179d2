"""One run at a time, whatever became of the one before."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path  # noqa: TC003 - Prefect reads the annotation

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

from flows.workspace import create_limit, holding_workspace, limit_name
from soundatlas.workspace import lock_path

pytestmark = pytest.mark.usefixtures("prefect_server")

HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print(1, flush=True)
    time.sleep(600)
"""


@flow(name="visit")
def visit(root: Path) -> int:
    """Hold the workspace for a moment; return how many slots of the limit were taken meanwhile."""
    with holding_workspace(root), get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(limit_name(root)).active_slots


def test_the_limit_shows_who_is_at_work(tmp_path: Path) -> None:
    """The one slot is taken inside the block and free after it."""
    assert visit(tmp_path) == 1
    with get_client(sync_client=True) as client:
        limit = client.read_global_concurrency_limit_by_name(limit_name(tmp_path))
    assert (limit.limit, limit.active_slots) == (1, 0)


def test_a_killed_holder_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A second run waits while another process holds the lock, and goes on when that is killed by -9."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock_path(tmp_path))], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"1\n"
    visited = []
    waiting = threading.Thread(target=lambda: visited.append(visit(tmp_path)))
    waiting.start()
    waiting.join(3)
    assert visited == []
    holder.kill()
    holder.wait()
    holder.stdout.close()
    waiting.join()
    assert visited == [1]


def test_a_slot_that_was_left_taken_does_not_block(tmp_path: Path) -> None:
    """What a killed run or server left in the limit is cleared by whoever holds the lock."""
    create_limit(tmp_path)
    with get_client(sync_client=True) as client:
        client.update_global_concurrency_limit(limit_name(tmp_path), GlobalConcurrencyLimitUpdate(active_slots=1))
    assert visit(tmp_path) == 1
