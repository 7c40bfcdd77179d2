"""What MLflow knows about a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.files import read_json
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.gate import Verdict
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.story import tell_story, tell_story_of_experiment
from soundatlas.registry.succession import Succession
from soundatlas.registry.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path

NAME = "soundatlas"


def promoted(project: Path) -> tuple[Tracking, str]:
    """Let the gate promote the model; return the project's MLflow and the run that was registered."""
    tracking = Tracking(project)
    registry = ModelRegistry(tracking, NAME)
    run = tracking.publish(project / "data/model", project / "data/evaluation")
    version = registry.register(project / "data/model", run)
    Succession(registry).judge(version, lambda _: Verdict(promoted=True, reason="better by far"))
    return tracking, run


def test_a_model_that_mlflow_never_saw(project):
    """Nothing is known of it but its content."""
    story = tell_story(project, NAME)
    assert story.content_sha256 == content_sha256(project / "data/model")
    assert (story.run_id, story.version, story.decision, story.champion_version) == (None, None, None, None)


def test_a_model_that_was_promoted(project):
    """Its run, its version, the decision with its reason, and that it is champion."""
    tracking, run = promoted(project)
    story = tell_story(project, NAME)
    assert (story.run_id, story.version, story.champion_version) == (run, "1", "1")
    assert (story.decision, story.reason) == ("promoted", "better by far")
    assert story.run_name == tracking.client.get_run(run).info.run_name
    assert story.experiment_id == tracking.experiment_id()
    assert story.report_page == f"{run}/artifacts/gate/soundatlas-v1/report.html"


def test_a_training_that_was_repeated(project):
    """The newest run is the training's; the report lies beside the one that was registered."""
    tracking, registered = promoted(project)
    repeated = tracking.start_training(read_json(project / "data/model/about.json"))
    tracking.finish_training(repeated, content_sha256(project / "data/model"))
    story = tell_story(project, NAME)
    assert (story.run_id, story.report_page) == (repeated, f"{registered}/artifacts/gate/soundatlas-v1/report.html")
    assert story.report["reason"] == "better by far"


def test_an_experiment(project, monkeypatch):
    """The newest training of the experiment, found by its name; none is known of a name that was never used."""
    tracking = Tracking(project)
    monkeypatch.setenv("DVC_EXP_NAME", "brave-otter")
    run = tracking.publish(project / "data/model", project / "data/evaluation")
    monkeypatch.delenv("DVC_EXP_NAME")
    story = tell_story_of_experiment(project, NAME, "brave-otter")
    assert (story.run_id, story.run_name, story.version) == (run, "brave-otter", None)
    assert tell_story_of_experiment(project, NAME, "shy-otter").run_id is None
