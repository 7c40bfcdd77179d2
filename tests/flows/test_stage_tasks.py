"""Task runs of stages, on a real Prefect server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import TaskRunSort
from prefect.runtime import flow_run
from small_pipeline import make_pipeline

from flows.dvc_run import DvcFailedError
from flows.stage_tasks import reproduce

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")


def follow(root: Path) -> dict[str, tuple[str, str]]:
    """Run the pipeline in a flow; return stage -> name and message of its task run's state."""
    identifiers = []

    @flow(name="follow")
    def follow_once() -> None:
        identifiers.append(flow_run.get_id())
        reproduce(root, ["repro"])

    try:
        follow_once()
    finally:
        with get_client(sync_client=True) as client:
            found = client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[identifiers[0]])),
                sort=TaskRunSort.EXPECTED_START_TIME_ASC,
            )
        follow.states = {task.name: (task.state.name, task.state.message or "") for task in found}
    return follow.states


def test_a_task_run_per_stage(tmp_path: Path) -> None:
    """Each stage is a task run of its name; what DVC skips is Cached, and says why."""
    root = make_pipeline(tmp_path / "small")
    first = follow(root)
    assert list(first) == ["look", "first", "second", "last", "side"]
    assert {name for name, _ in first.values()} == {"Completed"}
    again = follow(root)
    assert again["look"][0] == "Completed"
    assert again["second"] == ("Cached", "stage second: didn't change, skipping")


def test_a_failed_stage_ends_the_flow(tmp_path: Path) -> None:
    """The stage's task run is Failed with its last lines; what comes after it has no task run."""
    root = make_pipeline(tmp_path / "small", second="echo out of luck; exit 3")
    with pytest.raises(DvcFailedError, match="dvc repro second"):
        follow(root)
    assert list(follow.states) == ["look", "first", "second"]
    assert follow.states["second"][0] == "Failed"
    assert "out of luck" in follow.states["second"][1]
