"""Run the pipeline: DVC's graph as it stands in `dvc.yaml`, a task run per stage.

    python -m flows.pipeline                                   everything that is out of date
    python -m flows.pipeline --target validate                 down to a stage
    python -m flows.pipeline --force train                     a stage anew, though nothing changed
    python -m flows.pipeline --override train.epochs=4         an experiment, beside your files

The same flow is started from the Prefect UI; see `make ui`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from flows.artifacts import (
    publish_gate,
    publish_metrics,
    publish_models,
    publish_predictions,
    publish_run_link,
    publish_validation,
    read_metrics,
    read_predictions,
)
from flows.champion import announcing_champion
from flows.flips import publish_flips
from flows.stage_tasks import reproduce
from flows.workspace import holding_workspace
from soundatlas.dag import down_to, find, read_metrics_of, read_stages
from soundatlas.errors import UsageError
from soundatlas.files import project_root
from soundatlas.overrides import check_overrides
from soundatlas.params import load_params
from soundatlas.registry.story import tell_story, tell_story_of_experiment, tell_versions

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.dag import Stage

ALL = "all"
EXPERIMENT_TARGET = "evaluate"  # what comes after it moves the champion
STAGES = [stage.name for stage in read_stages(project_root())]

Target = Annotated[str, Field(json_schema_extra={"enum": [ALL, *STAGES]})]
Forced = Annotated[str, Field(json_schema_extra={"enum": STAGES})]


@flow(name="pipeline", validate_parameters=True)
def pipeline(target: Target = ALL, force: list[Forced] = [], overrides: list[str] = []) -> None:  # noqa: B006 - for the form; never changed
    """Run the pipeline down to a stage; what is up to date is not run again.

    Args:
        target: The last stage to run. `all` runs every stage of dvc.yaml.
        force: Stages to run although nothing changed.
        overrides: Values for keys of params.yaml, such as `train.epochs=4`. They make this run a DVC experiment: it
            runs in a temporary workspace down to `evaluate`, params.yaml stays as it is, and nothing is promoted.
    """
    root = project_root()
    stages = read_stages(root)
    if target != ALL:
        find(stages, target)
    for name in force:
        find(stages, name)
    if overrides:
        if force:
            raise UsageError(
                "overrides and stages to force do not go together: an experiment has a workspace of its own"
            )
        run_experiment(root, stages, target, check_overrides(root / "params.yaml", overrides))
    else:
        run_workspace(root, stages, target, frozenset(force))


def run_workspace(root: Path, stages: tuple[Stage, ...], target: str, force: frozenset[str]) -> None:
    """Bring the project up to date down to a stage, and publish what came out."""
    wanted = stages if target == ALL else down_to(stages, target)
    if left_out := force - {stage.name for stage in wanted}:
        raise UsageError(
            f"{', '.join(sorted(left_out))}: cannot be forced on the way to {target}, which does not need it"
        )
    load_params(root / "params.yaml")
    with holding_workspace(root):
        scores, predictions = read_metrics(root), read_predictions(root)
        with announcing_champion(root, "pipeline"):
            if force:
                for stage in wanted:
                    reproduce(
                        root, ["repro", "--single-item", *(["--force"] if stage.name in force else []), stage.name]
                    )
            else:
                reproduce(root, ["repro", *([] if target == ALL else [target])])
        made = {stage.name for stage in wanted}
        if "validate" in made:
            publish_validation(root)
        if "evaluate" in made and (now := read_metrics(root)) is not None:
            publish_metrics(now, scores, "the run before")
        if "promote" in made:
            model_name = load_params(root / "params.yaml").promote.model_name
            publish_gate(tell_story(root, model_name))
            publish_models(tell_versions(root, model_name))
        if "classify" in made:
            publish_predictions(root, predictions)
            publish_flips(root, load_params(root / "params.yaml").reclassify.max_psi)


def run_experiment(root: Path, stages: tuple[Stage, ...], target: str, overrides: list[str]) -> None:
    """Run a DVC experiment in a temporary workspace, and publish its scores beside the project's own."""
    logger = get_run_logger()
    reach = {stage.name for stage in down_to(stages, EXPERIMENT_TARGET)}
    if target not in reach:
        logger.info("an experiment goes down to %s: nothing is promoted from one", EXPERIMENT_TARGET)
        target = EXPERIMENT_TARGET
    name = experiment_name()
    settings = [part for override in overrides for part in ("--set-param", override)]
    with holding_workspace(root):
        reproduce(root, ["exp", "run", "--temp", "--name", name, *settings, target])
        logger.info("experiment %s: see it with `dvc exp show`, take it over with `dvc exp apply %s`", name, name)
        if target == EXPERIMENT_TARGET:
            publish_metrics(read_metrics_of(root, name), read_metrics(root), "this workspace")
            model_name = load_params(root / "params.yaml").promote.model_name
            publish_run_link(tell_story_of_experiment(root, model_name, name))


def experiment_name() -> str:
    """Return the flow run's name as a name for a DVC experiment; a second attempt gets a number."""
    attempt = flow_run.get_run_count() or 1
    slug = "".join(letter if letter.isalnum() else "-" for letter in flow_run.get_name() or "run").strip("-").lower()
    return slug if attempt == 1 else f"{slug}-{attempt}"


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(pipeline)
