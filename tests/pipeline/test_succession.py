"""The life of three models, from a terminal: promoted, refused, promoted, rolled back, moved by hand. In this order."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from pipeline_story import ran

from soundatlas.files import read_json
from soundatlas.registry.tracking import flatten

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_story import Project

pytestmark = pytest.mark.slow

ALWAYS = ["ingest", "promote"]
UNTRAINED = {"statistics": False, "learning_rate": 1e-7, "epochs": 1, "seed": 7}
STILL_UNTRAINED = {"seed": 8}
TRAINED = {"statistics": True, "learning_rate": 0.004, "epochs": 6}
ASK_MLFLOW = """
import json, sys
from pathlib import Path
from soundatlas.registry.tracking import Tracking
tracking = Tracking(Path.cwd())
runs = tracking.client.search_runs([tracking.experiment_id()])
about = [{"tags": run.data.tags, "metrics": run.data.metrics, "params": run.data.params} for run in runs]
print("MLFLOW", json.dumps([run for run in about if run["tags"].get("dvc.experiment") == sys.argv[1]]))
"""
MOVE_BY_HAND = """
from pathlib import Path
from soundatlas.registry.tracking import Tracking
Tracking(Path.cwd()).client.set_registered_model_alias("soundatlas", "champion", "3")
"""
BYTE = "UPDATE model_version_tags SET value = replace(value, ?, ?) WHERE name = 'soundatlas.ledger' AND key = 'entry'"


def train(project: Project, settings: dict[str, object]) -> str:
    """Change the training's parameters and bring everything up to date."""
    project.edit_params(lambda values: values["train"].update(settings))
    return project.run("dvc", "repro")


def predictions(project: Project) -> bytes:
    """Return what the champion says of the inbox."""
    return (project.root / "data/predictions/predictions.parquet").read_bytes()


def history(project: Project) -> list[dict[str, object]]:
    """Return the history's entries, which must verify."""
    assert "each as it was written" in project.run("soundatlas", "history", "--verify")
    return json.loads(project.run("soundatlas", "history", "--json"))


def champion(project: Project) -> str:
    """Return the content hash of the pinned champion."""
    return str(read_json(project.root / "data/champion.json")["content_sha256"])


@pytest.fixture(scope="module")
def kept() -> dict[str, object]:
    """Give what one test leaves for those after it."""
    return {}


def test_the_first_model_becomes_champion(project: Project, kept: dict[str, object]) -> None:
    """A model that has hardly learned anything is better than none, where the floor allows it."""

    def real_gate(values: dict[str, dict[str, object]]) -> None:
        values["split"]["test"] = 0.4
        values["promote"]["min_gain"] = 0.0  # two models that learned nothing never differ surely, however alike

    project.edit_params(real_gate)
    assert "version 1 promoted" in train(project, UNTRAINED)
    kept["first"], kept["predictions"] = champion(project), predictions(project)


def test_a_worse_model_is_refused(project: Project, kept: dict[str, object]) -> None:
    """The champion stays, nothing is classified again, and the refusal is told with its reason."""
    output = train(project, STILL_UNTRAINED)
    assert "version 2 refused: mean macro F1" in output
    assert not {"classify", "atlas"} & set(ran(output))
    assert champion(project) == kept["first"]


def test_a_better_model_is_promoted(project: Project, kept: dict[str, object]) -> None:
    """It takes the place, the inbox is classified by it, and a second `dvc repro` has nothing to do."""
    output = train(project, TRAINED)
    assert "version 3 promoted" in output
    assert {"classify", "atlas"} <= set(ran(output))
    kept["third"] = champion(project)
    assert kept["third"] != kept["first"]
    table = pd.read_parquet(project.root / "data/predictions/predictions.parquet")
    assert set(table["model_sha256"]) == {kept["third"]}
    lock = (project.root / "dvc.lock").read_bytes()
    assert ran(project.run("dvc", "repro")) == ALWAYS
    assert (project.root / "dvc.lock").read_bytes() == lock
    assert [entry["event"] for entry in history(project)] == ["promoted", "refused", "promoted"]


def test_rollback_brings_the_first_one_back(project: Project, kept: dict[str, object]) -> None:
    """Exactly `classify` and `atlas` are stale; predictions come from the cache, and nobody is judged again."""
    assert "is version 1; it was version 3" in project.run("soundatlas", "rollback", "--reason", "the old one swung")
    assert champion(project) == kept["first"]
    status = json.loads(project.run("dvc", "status", "--json"))
    assert {stage for stage, why in status.items() if "always changed" not in why} == {"classify", "atlas"}
    output = project.run("dvc", "repro")
    assert ran(output) == [*ALWAYS, "atlas"]
    assert "Stage 'classify' is cached - skipping run" in output
    assert predictions(project) == kept["predictions"]
    assert "promoted" not in output
    assert champion(project) == kept["first"]
    assert history(project)[-1]["why"] == "the old one swung"


def test_a_move_by_hand_is_noticed(project: Project, kept: dict[str, object]) -> None:
    """What somebody does in MLflow's pages is followed by the next `dvc repro`, and entered as that."""
    project.run(sys.executable, "-c", MOVE_BY_HAND)
    output = project.run("dvc", "repro")
    assert "version 3 moved by hand: the alias was moved from version 1 to version 3 outside soundatlas" in output
    assert champion(project) == kept["third"]
    events = [entry["event"] for entry in history(project)]
    assert events == ["promoted", "refused", "promoted", "rolled back", "moved by hand"]


def test_a_changed_byte_is_noticed(project: Project, tmp_path: Path) -> None:
    """The history verifies; with one byte of it changed, in the database or in an export, it does not."""
    file = tmp_path / "history.jsonl"
    project.run("soundatlas", "history", "--export", str(file))
    database = project.root / "mlruns/mlflow.db"
    for before, after in (("swung", "swong"), ("swong", "swung")):
        with sqlite3.connect(database) as connection:
            assert connection.execute(BYTE, (before, after)).rowcount == 5
        verify = project.start("soundatlas", "history", "--verify")
        said = verify.communicate()[0]
        assert verify.returncode == (1 if after == "swong" else 0), said
        assert ("entry 4: it was changed" in said) == (after == "swong")
    assert "5 entries" in project.run("soundatlas", "history", "--verify", str(file))
    file.write_text(file.read_text().replace("swung", "swong"))
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(
            [sys.executable, "-c", "from soundatlas.cli import main; main()", "history", "--verify", str(file)],
            cwd=tmp_path,
            check=True,
        )


def test_versions_stand_side_by_side(project: Project) -> None:
    """All three with scores, time and size; only the parameters that differ; who is champion, and who was."""
    rows = json.loads(project.run("soundatlas", "models", "--json"))
    assert [(row["version"], row["is_champion"], row["decision"]) for row in rows] == [
        ("3", True, "promoted"),
        ("2", False, "refused"),
        ("1", False, "promoted"),
    ]
    assert all(row["milliseconds"] > 0 and row["megabytes"] > 0 and row["data_sha256"] for row in rows)
    shown = project.run("soundatlas", "models")
    assert "train.learning_rate" in shown
    assert "train.embedding" not in shown
    assert "is version 3" in project.run("soundatlas", "champion")


@pytest.mark.parametrize("queued", [False, True])
def test_an_experiment_is_one_run_with_the_same_figures(project: Project, queued: bool) -> None:  # noqa: FBT001 - a case
    """`dvc exp show` and MLflow agree to the last digit; the run bears the commit and the hashes of dvc.lock."""
    name = "queued-one" if queued else "slow-learner"
    setting = ("--set-param", f"train.learning_rate={0.002 if queued else 0.001}", "--name", name)
    if queued:
        project.run("dvc", "exp", "run", "--queue", *setting, "evaluate")
        project.run("dvc", "exp", "run", "--run-all")
    else:
        project.run("dvc", "exp", "run", "--temp", *setting, "evaluate")
    [run] = json.loads(project.run(sys.executable, "-c", ASK_MLFLOW, name).rpartition("MLFLOW ")[2])
    shown = experiment(project, name)
    figures = flatten(shown["metrics"]["data/evaluation/metrics.json"]["data"])
    numbers = {key: value for key, value in figures.items() if isinstance(value, int | float)}
    assert numbers
    assert {key: run["metrics"][key] for key in numbers} == numbers
    rate = shown["params"]["params.yaml"]["data"]["train"]["learning_rate"]
    assert float(run["params"]["train.learning_rate"]) == rate
    commit = project.run("git", "rev-parse", "HEAD").strip()
    assert run["tags"]["mlflow.source.git.commit"] == commit
    outs = {path: out["hash"] for path, out in shown["outs"].items()}
    for out in ("catalog", "spectrograms", "split"):
        assert run["tags"][f"dvc.{out}.{out}"] == outs[f"data/{out}"]


def experiment(project: Project, name: str) -> dict[str, object]:
    """Return what `dvc exp show` knows of an experiment."""
    text = project.run("dvc", "exp", "show", "--json")
    for commit in json.loads(text[text.index("[") :]):
        for found in commit["experiments"] or []:
            if found["name"] == name:
                return found["revs"][0]["data"]
    pytest.fail(f"dvc exp show does not know {name}")
