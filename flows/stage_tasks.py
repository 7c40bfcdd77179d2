"""The task of a stage: one stage of DVC's graph. Order and skipping are DVC's; Prefect shows what DVC does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.dvc_run import DvcRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prefect.client.schemas.objects import State

    from flows.dvc_run import Section


@task(task_run_name="{section.stage}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def run_stage(section: Section) -> State[None]:
    """Follow one stage while DVC runs it, its output in this task's log; a stage that DVC skips ends as Cached.

    Never retried: no stage asks the network, and a fault that is not the network's comes back.
    """
    if section.skipped:
        return Completed(name="Cached", message=f"stage {section.stage}: {section.skipped}")
    logger = get_run_logger()
    for line in section.lines():
        logger.info(line)
    return Completed(message=f"stage {section.stage} ran")


def reproduce(root: Path, arguments: Sequence[str]) -> None:
    """Run one DVC command as a task run per stage, in DVC's order.

    Args:
        root: the project.
        arguments: DVC's, for example `["repro", "train"]`.

    Raises:
        DvcFailedError: with the last lines and the command that repeats it.
    """
    logger = get_run_logger()
    with DvcRun(root, arguments) as run:
        logger.info("running: %s", run.command)
        for section in run.sections():
            run_stage(section)
