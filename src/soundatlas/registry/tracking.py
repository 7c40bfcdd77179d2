"""MLflow runs: one per training, found again by the content hash of the model that it made."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import git
import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.time import get_current_time_millis
from ruamel.yaml import YAML
from sqlalchemy.exc import SQLAlchemyError

from soundatlas.errors import NotReadyError, SoundatlasError
from soundatlas.files import read_json, registry_root, sha256_file
from soundatlas.plain_text import hide_logins
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.database import EXPERIMENT
from soundatlas.registry.relocation import relocate
from soundatlas.registry.training_tracks import TRACKS_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT_TAG = "content_sha256"
EVALUATION_TAG = "evaluation_sha256"
EXPERIMENT_TAG = "dvc.experiment"
TRACKS_TAG = "training_tracks_sha256"
UPSTREAM_STAGES = ("catalog", "spectrograms", "split", "validate")
HASTE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}  # MLflow's own: four minutes
DAMAGE = ("file is not a database", "malformed")  # SQLite's words
MOST_SAID = 300  # characters of what MLflow says
MAX_PARAM_CHARACTERS = 500  # what every MLflow backend takes


@contextlib.contextmanager
def _telling_faults(*, is_local: bool) -> Iterator[None]:
    """Say in one line what is wrong with a database or a server that is being opened; wait for it only so long.

    Raises:
        SoundatlasError: when the project's database is damaged or cannot be used.
        NotReadyError: when the server does not answer, or MLFLOW_TRACKING_URI names none.
    """
    hasty = {name: value for name, value in HASTE.items() if name not in os.environ}
    os.environ.update(hasty)
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        said = hide_logins(" ".join(str(error).split()))[:MOST_SAID]
        if not is_local:
            todo = "start that server, or unset MLFLOW_TRACKING_URI to use mlruns/mlflow.db"
            raise NotReadyError(f"what MLFLOW_TRACKING_URI names cannot be used: {said}: {todo}") from error
        if any(sign in said for sign in DAMAGE):
            raise SoundatlasError(
                f"mlruns/mlflow.db is damaged: {said}: `make restore FILE=…` brings back a backup; `soundatlas doctor` "
                "says what to do without one"
            ) from error
        raise SoundatlasError(f"mlruns/mlflow.db cannot be used: {said}: `soundatlas doctor` says more") from error
    finally:
        for name in hasty:
            os.environ.pop(name, None)


class Tracking:
    """The project's MLflow: `mlruns/mlflow.db` with artifacts beside it, or the server in MLFLOW_TRACKING_URI."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = registry_root(root).absolute() / "mlruns"  # MLflow keeps URIs, which have no "here"
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        self.is_local = uri is None
        if uri is None:
            (self.folder / "artifacts").mkdir(parents=True, exist_ok=True)
            uri = f"sqlite:///{self.folder / 'mlflow.db'}"
        with _telling_faults(is_local=self.is_local):
            if self.is_local:
                relocate(self.folder / "mlflow.db", EXPERIMENT, self.folder / "artifacts")
            mlflow.set_tracking_uri(uri)
            if self.is_local:  # MLflow has put it into the environment, where it would pass for the user's own choice
                os.environ.pop("MLFLOW_TRACKING_URI", None)
            self.client = MlflowClient(tracking_uri=uri)
            self.client.get_experiment_by_name(EXPERIMENT)  # whether it answers, before anything depends on it

    def experiment_id(self) -> str:
        """Return the id of the project's experiment, made when it is not there yet."""
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        location = (self.folder / "artifacts").as_uri() if self.is_local else None
        return str(self.client.create_experiment(EXPERIMENT, artifact_location=location))

    def start_training(self, about: dict[str, Any]) -> str:
        """Open a run with the params and the lineage of a training; return its id.

        Args:
            about: what `train` will write to `about.json`.
        """
        run = self.client.create_run(
            self.experiment_id(), run_name=os.environ.get("DVC_EXP_NAME"), tags=self._lineage()
        )
        params = [
            Param(key, str(value)[:MAX_PARAM_CHARACTERS]) for key, value in sorted(flatten(about["params"]).items())
        ]
        self.client.log_batch(run.info.run_id, params=params)
        self._log_dataset(run.info.run_id)
        return str(run.info.run_id)

    def resume_training(self, run_id: str | None) -> str | None:
        """Open the run of a training that was cut off again; None when there is no such run in this place."""
        if run_id is None:
            return None
        try:
            self.client.update_run(run_id, status="RUNNING")
        except MlflowException:  # another registry, or the run was deleted: the training gets a new one
            return None
        return run_id

    def start_study(self, run_id: str | None, name: str) -> str:
        """Open the run of a tuning study, above those of its trials; again where it is in this place. Return its id."""
        opened = self.resume_training(run_id)
        if opened is None:
            run = self.client.create_run(self.experiment_id(), run_name=name, tags=self._lineage())
            opened = str(run.info.run_id)
        return opened

    def start_trial(self, parent: str, number: int, values: dict[str, Any]) -> str:
        """Open the run of a trial below its study's, with the values that it tries; return its id."""
        tags = {**self._lineage(), MLFLOW_PARENT_RUN_ID: parent}
        run = self.client.create_run(self.experiment_id(), run_name=f"trial {number + 1}", tags=tags)
        self.client.log_batch(run.info.run_id, params=[Param(f"train.{key}", str(v)) for key, v in values.items()])
        return str(run.info.run_id)

    def finish_run(self, run_id: str, figures: dict[str, float], tags: dict[str, str] | None = None) -> None:
        """End a run well, with its figures."""
        now = get_current_time_millis()
        metrics = [Metric(name, value, now, 0) for name, value in figures.items()]
        self.client.log_batch(run_id, metrics=metrics, tags=[RunTag(name, text) for name, text in (tags or {}).items()])
        self.client.set_terminated(run_id, "FINISHED")

    def kill_run(self, run_id: str) -> None:
        """Mark a run as killed, as its process could not; one that is not in this place is left alone."""
        if self.resume_training(run_id):
            self.client.set_terminated(run_id, "KILLED")

    @contextlib.contextmanager
    def closing_run(self, run_id: str) -> Iterator[None]:
        """End the run as failed, or as killed by Ctrl-C or SIGTERM, when the block does not end well."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            self.client.set_terminated(run_id, "KILLED")
            raise
        except BaseException:
            self.client.set_terminated(run_id, "FAILED")
            raise

    def log_epoch(self, run_id: str, epoch: int, row: dict[str, float]) -> None:
        """Log an epoch's row of the history."""
        now = get_current_time_millis()
        metrics = [Metric(name, value, now, epoch) for name, value in row.items() if name != "epoch"]
        self.client.log_batch(run_id, metrics=metrics)

    def log_training_tracks(self, run_id: str, model: Path) -> None:
        """Keep with the run which tracks its model was trained on; a model of an earlier version does not say."""
        path = model / TRACKS_NAME
        if path.is_file():
            self.client.log_artifact(run_id, str(path))
            self.client.set_tag(run_id, TRACKS_TAG, sha256_file(path))

    def finish_training(self, run_id: str, content: str) -> None:
        """Mark the run as the one that made a model."""
        self.client.set_tag(run_id, CONTENT_TAG, content)
        self.client.set_terminated(run_id, "FINISHED")

    def find_runs(self, content: str) -> list[str]:
        """Return the runs that made a model with this content hash, the newest first: a training may be repeated.

        Inside a DVC experiment those of the experiment. Outside, an experiment's only where there is no other, as after
        `dvc exp apply`: its evaluation may be by other parameters.
        """
        runs = self.client.search_runs(
            [self.experiment_id()],
            filter_string=f"tags.{CONTENT_TAG} = '{content}'",  # the last thing that a training says
            order_by=["attributes.start_time DESC"],
        )
        name = os.environ.get("DVC_EXP_NAME") or None
        ours = [run for run in runs if run.data.tags.get(EXPERIMENT_TAG) == name]
        return [str(run.info.run_id) for run in (ours or ([] if name else runs))]

    def publish(self, model: Path, evaluation: Path) -> str:
        """See to it that each run that made the model has its evaluation; return the newest run's id.

        A model that DVC restored into a place whose MLflow never saw it, or into an experiment, gets its run from its
        own files.
        """
        content = content_sha256(model)
        run_ids = self.find_runs(content)
        if not run_ids:
            about = read_json(model / "about.json")
            run_id = self.start_training(about)
            for row in pd.read_csv(model / "history.csv").to_dict("records"):
                self.log_epoch(run_id, int(row["epoch"]), {str(name): float(value) for name, value in row.items()})
            self.client.set_tag(run_id, "restored", "from data/model")
            self.log_training_tracks(run_id, model)
            self.finish_training(run_id, content)
            run_ids = [run_id]
        for run_id in run_ids:
            self._log_evaluation(run_id, evaluation)
        return run_ids[0]

    def _log_evaluation(self, run_id: str, evaluation: Path) -> None:
        """Log an evaluation to a run that has another one or none."""
        evaluated = sha256_file(evaluation / "metrics.json")
        if self.client.get_run(run_id).data.tags.get(EVALUATION_TAG) == evaluated:
            return
        now = get_current_time_millis()
        figures = flatten(read_json(evaluation / "metrics.json"))
        metrics = [Metric(name, value, now, 0) for name, value in figures.items() if isinstance(value, int | float)]
        self.client.log_batch(run_id, metrics=metrics)
        self.client.log_artifacts(run_id, str(evaluation), "evaluation")
        self.client.set_tag(run_id, EVALUATION_TAG, evaluated)

    def _lineage(self) -> dict[str, str]:
        """Return what made this run: the git commit, and the hashes of the stages before `train` in dvc.lock."""
        tags = {"mlflow.source.name": "soundatlas", "mlflow.source.type": "LOCAL"}
        with contextlib.suppress(git.InvalidGitRepositoryError, ValueError):  # no repository, or no commit yet
            repository = git.Repo(self.root, search_parent_directories=True)
            tags["mlflow.source.git.commit"] = repository.head.commit.hexsha
            tags["git.dirty"] = str(repository.is_dirty()).lower()
        lock = self.root / "dvc.lock"
        if lock.is_file():
            stages = YAML(typ="safe").load(lock.read_text(encoding="utf-8")).get("stages", {})
            for stage in UPSTREAM_STAGES:
                for out in stages.get(stage, {}).get("outs", []):
                    tags[f"dvc.{stage}.{out['path'].removeprefix('data/')}"] = str(out.get("md5"))
        if name := os.environ.get("DVC_EXP_NAME"):
            tags[EXPERIMENT_TAG] = name
        return tags

    def _log_dataset(self, run_id: str) -> None:
        """Log the catalogue with its sides as the run's dataset; its digest is the split file's hash."""
        path = self.root / "data/split/split.parquet"
        dataset = Dataset(
            name="catalogue",
            digest=sha256_file(path)[:32],
            source_type="local",
            source=json.dumps({"uri": "data/split/split.parquet"}),
            profile=json.dumps({"num_rows": len(pd.read_parquet(path))}),
        )
        self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])])


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested keys as dotted ones, e.g. `train.epochs`; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat
