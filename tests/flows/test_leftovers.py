"""Runs that died with a server, and runs that a schedule missed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Running, Scheduled

from flows.leftovers import clear_leftovers
from soundatlas.workspace import lock_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient

pytestmark = pytest.mark.usefixtures("prefect_server")


@flow(name="left")
def left() -> None:
    """Do nothing."""


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    """Give a client of the server."""
    with get_client(sync_client=True) as client:
        yield client


def test_runs_of_the_dead_are_crashed(tmp_path: Path, client: SyncPrefectClient) -> None:
    """A run that shows as running while nobody is at work has crashed, and says why."""
    run = client.create_flow_run(left, state=Running())
    clear_leftovers(tmp_path, client, "reclassify")
    state = client.read_flow_run(run.id).state
    assert (state.type.value, state.message) == ("CRASHED", "ended with the process or the server that ran it")


def test_runs_of_the_living_stay(tmp_path: Path, client: SyncPrefectClient) -> None:
    """While somebody holds the workspace, running is running."""
    run = client.create_flow_run(left, state=Running())
    with FileLock(lock_path(tmp_path)):
        clear_leftovers(tmp_path, client, "reclassify")
    assert client.read_flow_run(run.id).state.type.value == "RUNNING"


def test_a_run_that_somebody_asked_for_is_not_missed(tmp_path: Path, client: SyncPrefectClient) -> None:
    """Only what a schedule made is given up; a late run by hand still comes."""
    late = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    run = client.create_flow_run(left, state=Scheduled(scheduled_time=late))
    clear_leftovers(tmp_path, client, "left")
    assert client.read_flow_run(run.id).state.type.value == "SCHEDULED"
