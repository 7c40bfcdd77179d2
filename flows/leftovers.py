"""Runs that no longer run: what was at work when a machine or a server was killed, and what was missed meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Crashed

from soundatlas.workspace import lock_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

PAGE = 200


def clear_leftovers(root: Path, client: SyncPrefectClient, scheduled_flow: str) -> None:
    """Mark runs that died with their server as crashed, and let a schedule catch up once instead of once per miss.

    A project that was down for ten days has ten late runs of a daily flow; the newest one does the work of all.

    Args:
        root: the project.
        client: of a server that was just started.
        scheduled_flow: name of the flow that runs on a schedule.
    """
    if nobody_at_work(root):
        dead = FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING, StateType.PENDING])
        )
        for run in _read_all(client, FlowRunFilter(state=dead)):
            client.set_flow_run_state(
                run.id, Crashed(message="ended with the process or the server that ran it"), force=True
            )
    now = dt.datetime.now(dt.UTC)
    late = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
    )
    missed = [run for run in _read_all(client, late, scheduled_flow) if run.auto_scheduled]
    for run in sorted(missed, key=lambda each: each.expected_start_time or now)[:-1]:
        client.set_flow_run_state(run.id, Cancelled(message="missed while soundatlas was not up"), force=True)


def nobody_at_work(root: Path) -> bool:
    """Whether no run holds the workspace or waits for it."""
    lock = FileLock(lock_path(root))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


def _read_all(client: SyncPrefectClient, wanted: FlowRunFilter, flow: str | None = None) -> Iterator[FlowRun]:
    """Return every run that fits, of any number."""
    of_flow = FlowFilter(name=FlowFilterName(any_=[flow])) if flow else None
    found: list[FlowRun] = []
    while page := client.read_flow_runs(
        flow_filter=of_flow, flow_run_filter=wanted, sort=FlowRunSort.ID_DESC, limit=PAGE, offset=len(found)
    ):
        found += page
    return iter(found)
