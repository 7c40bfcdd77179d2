"""MLflow runs: what a training leaves there, and how a restored model gets its run back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project
from mlflow.exceptions import MlflowException

from soundatlas.errors import NotReadyError, SoundatlasError
from soundatlas.files import read_json, sha256_file, write_json
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.tracking import MAX_PARAM_CHARACTERS, TRACKS_TAG, Tracking, flatten
from soundatlas.registry.training_tracks import write_training_tracks
from soundatlas.stages.train import LOGGED_SECTIONS

if TYPE_CHECKING:
    from mlflow.entities import Run

ABOUT = {"params": {"train": {"epochs": 2, "classes": ["genre"] * 200}}}
LOCK = """\
schema: '2.0'
stages:
  catalog:
    outs: [{path: data/catalog, md5: c0ffee.dir}, {path: data/audio, md5: decade.dir}]
  split:
    outs: [{path: data/split, md5: facade.dir}]
  train:
    outs: [{path: data/model, md5: fedcba.dir}]
"""


def runs(tracking: Tracking) -> list[Run]:
    """Return every run of the project."""
    return list(tracking.client.search_runs([tracking.experiment_id()]))


def git(root: Path, *arguments: str) -> str:
    """Run git as somebody."""
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=os.environ | who, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_training_has_a_run_with_params_epochs_and_dataset(project):
    """A finished training shows its params, a metric per epoch, the split's hash as dataset and its model's hash."""
    tracking = Tracking(project)
    run_id = tracking.start_training(ABOUT)
    assert tracking.client.get_run(run_id).info.status == "RUNNING"
    for epoch in (1, 2):
        tracking.log_epoch(run_id, epoch, {"epoch": float(epoch), "loss": 1.0 / epoch})
    tracking.finish_training(run_id, "c" * 64)
    run = tracking.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == "2"
    assert len(run.data.params["train.classes"]) == MAX_PARAM_CHARACTERS
    history = tracking.client.get_metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5)]
    assert "epoch" not in run.data.metrics
    (dataset,) = run.inputs.dataset_inputs
    assert sha256_file(project / "data/split/split.parquet").startswith(dataset.dataset.digest)
    assert tracking.find_runs("c" * 64) == [run_id]
    assert tracking.find_runs("d" * 64) == []


def test_run_knows_the_commit_and_the_data(project):
    """The run is tagged with the git commit, whether it was dirty, and what the stages before `train` made."""
    git(project, "init", "--quiet")
    git(project, "add", "dvc.yaml")
    git(project, "commit", "--quiet", "--message", "start")
    (project / "dvc.lock").write_text(LOCK, encoding="utf-8")
    tracking = Tracking(project)
    tags = tracking.client.get_run(tracking.start_training(ABOUT)).data.tags
    assert tags["mlflow.source.git.commit"] == git(project, "rev-parse", "HEAD")
    assert tags["git.dirty"] == "false"
    assert (tags["dvc.catalog.catalog"], tags["dvc.split.split"]) == ("c0ffee.dir", "facade.dir")
    assert not any(name.startswith("dvc.train") for name in tags)
    (project / "dvc.yaml").write_text("stages: {a: {cmd: b}}\n", encoding="utf-8")
    assert tracking.client.get_run(tracking.start_training(ABOUT)).data.tags["git.dirty"] == "true"


def test_project_without_git_or_lock_is_tracked_too(project):
    """A folder that is no repository, or one without a commit yet, is no fault."""
    tracking = Tracking(project)
    assert "mlflow.source.git.commit" not in tracking.client.get_run(tracking.start_training(ABOUT)).data.tags
    git(project, "init", "--quiet")
    assert "mlflow.source.git.commit" not in tracking.client.get_run(tracking.start_training(ABOUT)).data.tags


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_run_that_ends_badly_says_so(project, error, status):
    """A training that fails or is interrupted does not stay "running", and made no model."""
    tracking = Tracking(project)
    run_id = tracking.start_training(ABOUT)
    with pytest.raises(error), tracking.closing_run(run_id):
        raise error
    assert tracking.client.get_run(run_id).info.status == status
    assert "content_sha256" not in tracking.client.get_run(run_id).data.tags


def test_experiment_is_named_in_the_run(project, monkeypatch):
    """Inside a DVC experiment the run bears its name."""
    monkeypatch.setenv("DVC_EXP_NAME", "wider-windows")
    tracking = Tracking(project)
    run = tracking.client.get_run(tracking.start_training(ABOUT))
    assert (run.info.run_name, run.data.tags["dvc.experiment"]) == ("wider-windows", "wider-windows")


def test_experiment_in_a_copy_logs_to_the_workspace(project, tmp_path, monkeypatch):
    """DVC runs experiments in a copy of the project, whose MLflow would go with it: DVC_ROOT names the real one."""
    monkeypatch.setenv("DVC_ROOT", str(project))
    copy = tmp_path / "copy"
    (copy / "data/split").mkdir(parents=True)
    (copy / "data/split/split.parquet").write_bytes((project / "data/split/split.parquet").read_bytes())
    run_id = Tracking(copy).start_training(ABOUT)
    monkeypatch.delenv("DVC_ROOT")
    assert [run.info.run_id for run in runs(Tracking(project))] == [run_id]
    assert not (copy / "mlruns").exists()


def test_restored_model_gets_its_run_back(project):
    """A model that MLflow never saw gets a run from its own files, with params, epochs and its evaluation."""
    tracking = Tracking(project)
    run_id = tracking.publish(project / "data/model", project / "data/evaluation")
    run = tracking.client.get_run(run_id)
    assert run.data.tags["restored"] == "from data/model"
    assert run.data.params["train.epochs"] == "2"
    assert [point.step for point in tracking.client.get_metric_history(run_id, "val_loss")] == [1, 2]
    assert run.data.metrics["classes.genre.macro_f1"] == 0.5
    assert tracking.find_runs(content_sha256(project / "data/model")) == [run_id]
    assert [item.path for item in tracking.client.list_artifacts(run_id)] == ["evaluation"]


def test_restored_model_says_which_tracks_it_was_trained_on(project):
    """Where the model's own list is there, its new run has it too; the model is the same model with and without it."""
    content = content_sha256(project / "data/model")
    write_training_tracks(project / "data/model", {"train": pd.DataFrame({"audio_sha256": ["b", "a", "b"]})})
    assert content_sha256(project / "data/model") == content
    tracking = Tracking(project)
    run_id = tracking.publish(project / "data/model", project / "data/evaluation")
    assert "tracks.json" in [item.path for item in tracking.client.list_artifacts(run_id)]
    assert tracking.client.get_run(run_id).data.tags[TRACKS_TAG] == sha256_file(project / "data/model/tracks.json")
    assert read_json(project / "data/model/tracks.json") == {"train": ["a", "b"]}


def test_publishing_again_adds_nothing(project):
    """A second call finds the run and logs nothing; a new evaluation of the same model is logged to the same run."""
    tracking = Tracking(project)
    run_id = tracking.publish(project / "data/model", project / "data/evaluation")
    assert tracking.publish(project / "data/model", project / "data/evaluation") == run_id
    assert len(runs(tracking)) == 1
    assert len(tracking.client.get_metric_history(run_id, "classes.genre.macro_f1")) == 1
    metrics = read_json(project / "data/evaluation/metrics.json")
    metrics["classes"]["genre"]["macro_f1"] = 0.75
    write_json(project / "data/evaluation/metrics.json", metrics)
    assert tracking.publish(project / "data/model", project / "data/evaluation") == run_id
    assert tracking.client.get_run(run_id).data.metrics["classes.genre.macro_f1"] == 0.75


def test_trained_model_keeps_the_run_of_its_training(project):
    """A model whose training was tracked here is published to that run."""
    tracking = Tracking(project)
    run_id = tracking.start_training(ABOUT)
    tracking.finish_training(run_id, content_sha256(project / "data/model"))
    assert tracking.publish(project / "data/model", project / "data/evaluation") == run_id
    assert "restored" not in tracking.client.get_run(run_id).data.tags


def test_each_training_of_a_model_has_its_evaluation(project):
    """A training that was repeated and gave the same model has the evaluation in both runs, and a new one too."""
    tracking = Tracking(project)
    first = tracking.publish(project / "data/model", project / "data/evaluation")
    second = tracking.start_training(ABOUT)
    tracking.finish_training(second, content_sha256(project / "data/model"))
    metrics = read_json(project / "data/evaluation/metrics.json")
    metrics["classes"]["genre"]["macro_f1"] = 0.75
    write_json(project / "data/evaluation/metrics.json", metrics)
    assert tracking.publish(project / "data/model", project / "data/evaluation") == second
    for run_id in (first, second):
        assert tracking.client.get_run(run_id).data.metrics["classes.genre.macro_f1"] == 0.75


def test_an_experiment_leaves_the_scores_of_the_workspace(project, monkeypatch):
    """With the workspace's model it has a run of its own for its own evaluation; applied, it is taken where it is."""
    tracking = Tracking(project)
    ours = tracking.publish(project / "data/model", project / "data/evaluation")
    metrics = read_json(project / "data/evaluation/metrics.json")
    metrics["classes"]["genre"]["macro_f1"] = 0.75
    write_json(project / "data/evaluation/metrics.json", metrics)
    content = content_sha256(project / "data/model")
    with monkeypatch.context() as patch:
        patch.setenv("DVC_EXP_NAME", "brave-otter")
        theirs = tracking.publish(project / "data/model", project / "data/evaluation")
        assert tracking.publish(project / "data/model", project / "data/evaluation") == theirs
    assert tracking.client.get_run(theirs).data.tags["dvc.experiment"] == "brave-otter"
    scores = [tracking.client.get_run(run).data.metrics["classes.genre.macro_f1"] for run in (ours, theirs)]
    assert scores == [0.5, 0.75]
    assert tracking.find_runs(content) == [ours]
    tracking.client.delete_run(ours)
    assert tracking.find_runs(content) == [theirs]


def test_server_of_the_users_choice_is_used(project, tmp_path, monkeypatch):
    """With MLFLOW_TRACKING_URI set, nothing is made below the project."""
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.write_bytes((project / "mlruns/mlflow.db").read_bytes())
    before = (project / "mlruns/mlflow.db").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    monkeypatch.chdir(tmp_path)
    tracking = Tracking(project)
    tracking.start_training(ABOUT)
    assert not tracking.is_local
    assert len(runs(tracking)) == 1
    assert (project / "mlruns/mlflow.db").read_bytes() == before
    with pytest.raises(MlflowException):
        tracking.client.get_run("0" * 32)


def test_damaged_database_is_told_in_one_line(project):
    """What is no database of MLflow's is named, with the way back to a backup; it stays as it is."""
    database = project / "mlruns/mlflow.db"
    database.write_bytes(b"<<<<<<< garbage" * 1000)
    with pytest.raises(SoundatlasError, match=r"mlflow\.db is damaged: file is not a database: `make restore FILE=…`"):
        Tracking(project)
    assert database.read_bytes().startswith(b"<<<<<<< garbage")


@pytest.mark.parametrize("uri", ["http://anna:secret@127.0.0.1:9", "gopher://127.0.0.1"])
def test_server_that_cannot_be_used_is_told_in_one_line(uri, project, monkeypatch):
    """A server that does not answer, or an address that names none, is told at once, without the login."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(NotReadyError, match="start that server, or unset MLFLOW_TRACKING_URI") as caught:
        Tracking(project)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ  # a training has MLflow's own patience


def test_a_project_named_from_where_one_stands(tmp_path, monkeypatch):
    """A relative root makes the same registry, which is found from elsewhere."""
    monkeypatch.chdir(tmp_path)
    made = Tracking(Path("notes")).experiment_id()
    monkeypatch.chdir("/")
    assert Tracking(tmp_path / "notes").experiment_id() == made


def test_nested_keys_become_dotted():
    """Sections are joined by dots; lists stay values, and an empty section has no keys."""
    assert flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": {}}) == {"a.b.c": 1, "a.d": [2]}


SECRETS = ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SOUNDATLAS_CONTACT", "MLFLOW_TRACKING_PASSWORD")


def test_no_secret_of_the_environment_is_in_a_run(project, repository, monkeypatch):
    """A run says which services were listed, and nothing of what opens them: not in tags, params, inputs or files."""
    for name in SECRETS:
        monkeypatch.setenv(name, f"secret-{name.lower()}@example.org")
    git(project, "init")
    git(project, "remote", "add", "origin", "https://anna:secret-token@example.org/music.git")
    services = [
        {"source": "spotify", "saved": True},
        {"source": "deezer", "non_commercial": True},
        {"source": "musicbrainz"},
    ]
    params = tiny_project.params_of(repository, catalog={"sources": services}).model_dump(by_alias=True)
    write_json(project / "data/model/about.json", {"params": {name: params[name] for name in LOGGED_SECTIONS}})
    tracking = Tracking(project)
    run_id = tracking.publish(project / "data/model", project / "data/evaluation")
    run = tracking.client.get_run(run_id)
    assert "'non_commercial': True" in run.data.params["catalog.sources"]
    told = json.dumps([run.to_dictionary(), run.inputs.to_dictionary()])
    assert "secret-" not in told
    written = [path for path in (project / "mlruns").rglob("*") if path.is_file()]
    assert len(written) > 1
    assert [path.name for path in written if b"secret-" in path.read_bytes()] == []
