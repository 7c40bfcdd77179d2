"""What MLflow knows about one model: its run, its version, and what the gate said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.registry.comparison import compare_versions
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.gate_report import PAGE_NAME, read_report, report_folder
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.succession import GATE_TAG, REASON_TAG
from soundatlas.registry.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.registry.comparison import VersionRow


@dataclass(frozen=True)
class ModelStory:
    """A model as MLflow has it; None where MLflow has nothing.

    Attributes:
        name: of the registered model.
        content_sha256: identity of the bundle; empty when only the run is known.
        experiment_id: of the run.
        run_id: of the newest training; one that was repeated and gave the same model has several.
        run_name: of that training.
        version: in the registry.
        decision: of the gate.
        reason: of the decision, one sentence.
        champion_version: which version is champion now.
        report: of the gate.
        report_page: below MLflow's page of the experiment's runs; beside the training that was registered.
    """

    name: str
    content_sha256: str
    experiment_id: str
    run_id: str | None
    run_name: str | None
    version: str | None = None
    decision: str | None = None
    reason: str | None = None
    champion_version: str | None = None
    report: dict[str, Any] | None = None
    report_page: str | None = None


def tell_story(root: Path, model_name: str) -> ModelStory:
    """Return what MLflow knows about the model in `data/model/`."""
    tracking = Tracking(root)
    registry = ModelRegistry(tracking, model_name)
    content = content_sha256(root / "data/model")
    run_id = next(iter(tracking.find_runs(content)), None)
    version, champion = registry.find(content), registry.champion()
    return ModelStory(
        name=model_name,
        content_sha256=content,
        experiment_id=tracking.experiment_id(),
        run_id=run_id,
        run_name=None if run_id is None else str(tracking.client.get_run(run_id).info.run_name),
        version=None if version is None else str(version.version),
        decision=None if version is None else version.tags.get(GATE_TAG),
        reason=None if version is None else version.tags.get(REASON_TAG),
        champion_version=None if champion is None else champion.version,
        report=None if version is None else read_report(tracking.client, version),
        report_page=None if version is None else f"{version.run_id}/artifacts/{report_folder(version)}/{PAGE_NAME}",
    )


def tell_versions(root: Path, model_name: str) -> list[VersionRow]:
    """Return all versions of a model as they compare, the newest first."""
    return compare_versions(ModelRegistry(Tracking(root), model_name))


def tell_story_of_experiment(root: Path, model_name: str, experiment: str) -> ModelStory:
    """Return what MLflow knows about the training of a DVC experiment."""
    tracking = Tracking(root)
    found = tracking.client.search_runs(
        [tracking.experiment_id()],
        filter_string=f"tags.`dvc.experiment` = '{experiment}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    return ModelStory(
        name=model_name,
        content_sha256="",
        experiment_id=tracking.experiment_id(),
        run_id=str(found[0].info.run_id) if found else None,
        run_name=str(found[0].info.run_name) if found else None,
    )
