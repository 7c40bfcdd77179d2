"""A project in which a model was trained, registered and made champion, has classified, and DVC keeps the outs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import tiny_project
from ruamel.yaml import YAML

from soundatlas.registry.database import ALIAS
from soundatlas.registry.training_tracks import write_training_tracks
from soundatlas.tables import write_table

if TYPE_CHECKING:
    from pathlib import Path

OUTS = ("catalog", "spectrograms", "split", "validation", "evaluation", "predictions", "audio")
OWN, OTHER = "data/inbox/own.wav", "data/inbox/other.wav"
ANSWERS = {"cmd": "true", "outs": [f"data/{name}" for name in OUTS]}
OFFENDER = {"suite": "labels", "expectation": "genre is known", "severity": "warning", "track_id": "demo:00"}


def make_traced_project(root: Path, repository: Path, model: Path, empty_database: Path) -> Path:
    """Make it: twelve tracks, four of them trained on, and two files in the inbox; all that is ours in DVC's cache."""
    from soundatlas.stages import spectrograms

    params = tiny_project.start_project(root, repository)
    tracks = tiny_project.write_catalogue(root)
    spectrograms.run(root, params)
    shutil.copytree(model, root / "data/model")
    write_training_tracks(root / "data/model", {"train": tracks.iloc[:4], "validation": tracks.iloc[4:8]})
    tiny_project.write_evaluation(root / "data/evaluation", tracks.iloc[8:])
    write_table(pd.DataFrame([OFFENDER]), root / "data/validation/offenders.parquet")
    labels = [{"track_id": "demo:00", "label": "genre", "value": "chorale", "provenance": "corpus"}]
    write_table(
        pd.DataFrame([{**labels[0], "licence": "CC0-1.0", "ml_use": "allowed"}]), root / "data/catalog/labels.parquet"
    )
    for number, path in enumerate((OWN, OTHER), start=20):
        tiny_project.write_clip(root / path, number)
    (root / "mlruns").mkdir()
    shutil.copyfile(empty_database, root / "mlruns/mlflow.db")
    _start_dvc(root)
    _crown(root)
    _classify(root, params)
    run(root, sys.executable, "-m", "dvc", "commit", "--force", "--quiet")
    return root


def _start_dvc(root: Path) -> None:
    with (root / "dvc.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"stages": {"all": ANSWERS}}, file)
    (root / ".gitignore").write_text("/mlruns\n/data\n", encoding="utf-8")
    run(root, "git", "init", "--quiet")
    run(root, sys.executable, "-m", "dvc", "init", "--quiet")
    run(root, "git", "add", "dvc.yaml", "params.yaml")
    run(root, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", "Start")


def _crown(root: Path) -> None:
    """Register the model and make it champion, as `promote` does once the gate has decided."""
    from soundatlas.registry.pin import export_pin
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.tracking import Tracking

    tracking = Tracking(root)
    registry = ModelRegistry(tracking, "soundatlas")
    run_id = tracking.publish(root / "data/model", root / "data/evaluation")
    version = registry.register(root / "data/model", run_id)
    tracking.client.set_registered_model_alias("soundatlas", ALIAS, str(version.version))
    champion = registry.champion()
    assert champion is not None
    export_pin(root, "soundatlas", registry.fetch(champion))


def _classify(root: Path, params) -> None:
    from soundatlas.stages import classify, ingest

    ingest.run(root, params)
    classify.run(root, params)


def run(root: Path, *command: str) -> str:
    """Run a command that must go well; return what it printed."""
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
