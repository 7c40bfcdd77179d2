"""What the Prefect UI offers: each flow as a deployment that can be started, scheduled and watched.

python -m flows.deployments        `make ui` runs this, with the servers around it
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound, TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from pydantic import ValidationError

from flows.champion import CHANGED, NOTICED_BY
from flows.ingest import ingest
from flows.leftovers import clear_leftovers
from flows.pipeline import pipeline
from flows.promote import promote
from flows.reclassify import reclassify
from flows.rollback import rollback
from flows.workspace import create_limit
from soundatlas.errors import ParamsError
from soundatlas.files import project_root, read_json, write_json
from soundatlas.params import load_params

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import DeploymentSchedule
    from prefect.client.schemas.responses import DeploymentResponse

    from soundatlas.params import ReclassifyParams

NAME = "soundatlas"
SCHEDULE_FILE = ".prefect/reclassify-schedule.json"


def make_deployments(root: Path, client: SyncPrefectClient) -> list[RunnerDeployment]:
    """Return a deployment for each flow.

    The schedule of `params.yaml` is given to Prefect when it is new or changed; otherwise schedules stay as they are
    there: what somebody edited or paused in the UI outlives a restart.

    Raises:
        ParamsError: when the cron line of `params.yaml` is none.
    """
    params = load_params(root / "params.yaml").reclassify
    check_cron(params)
    movers = [pipeline.name, rollback.name, promote.name]
    on_champion = DeploymentEventTrigger(
        name="reclassify when the champion changes", expect={CHANGED}, match={NOTICED_BY: movers}
    )
    cron = Cron(params.cron, timezone=params.timezone)
    as_module = EntrypointType.MODULE_PATH
    deployments = [
        RunnerDeployment.from_flow(pipeline, NAME, entrypoint_type=as_module),
        RunnerDeployment.from_flow(reclassify, NAME, entrypoint_type=as_module, schedule=cron, triggers=[on_champion]),
        RunnerDeployment.from_flow(ingest, NAME, entrypoint_type=as_module),
        RunnerDeployment.from_flow(rollback, NAME, entrypoint_type=as_module),
        RunnerDeployment.from_flow(promote, NAME, entrypoint_type=as_module),
    ]
    for deployment in deployments:
        there = _find(client, f"{deployment.flow_name}/{NAME}")
        if there is not None:
            deployment.paused = there.paused
            if deployment.flow_name != reclassify.name or _was_given(root, params):
                deployment.schedules = [_again(schedule) for schedule in there.schedules]
    return deployments


def check_cron(params: ReclassifyParams) -> None:
    """Let Prefect judge the cron line.

    Raises:
        ParamsError: when Prefect cannot read it.
    """
    try:
        CronSchedule(cron=params.cron, timezone=params.timezone)
    except ValidationError:
        raise ParamsError(
            f"params.yaml: reclassify.cron is {params.cron!r}, which is no cron line such as 0 6 * * *"
        ) from None


def remember_schedule(root: Path) -> None:
    """Keep which schedule Prefect has been given."""
    write_json(root / SCHEDULE_FILE, _schedule(load_params(root / "params.yaml").reclassify))


def _schedule(params: ReclassifyParams) -> dict[str, str]:
    return params.model_dump(include={"cron", "timezone"})


def _was_given(root: Path, params: ReclassifyParams) -> bool:
    """Whether Prefect has been given this schedule before."""
    path = root / SCHEDULE_FILE
    return path.is_file() and read_json(path) == _schedule(params)


def _again(schedule: DeploymentSchedule) -> DeploymentScheduleCreate:
    """Return a schedule as it stands on the server, to be given again: registering a deployment replaces them all."""
    kept = {
        name: getattr(schedule, name) for name in ("schedule", "active", "max_scheduled_runs", "parameters", "slug")
    }
    return DeploymentScheduleCreate(**kept)


def _find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def main() -> None:
    """Clear what killed runs left, register the deployments, and run what is started until told to stop."""
    root = project_root()
    with get_client(sync_client=True) as client:
        clear_leftovers(root, client, reclassify.name)
        deployments = make_deployments(root, client)
        create_limit(root)
    runner = Runner(pause_on_shutdown=False)
    for deployment in deployments:
        runner.add_deployment(deployment)
    remember_schedule(root)
    with contextlib.suppress(TerminationSignal):  # how `make ui` ends it
        asyncio.run(runner.start())


if __name__ == "__main__":
    from flows.terminal import exit_on_fault

    exit_on_fault(main)
