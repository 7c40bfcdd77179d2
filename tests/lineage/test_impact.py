"""`soundatlas impact`: from a track forward to all that was made of it."""

from __future__ import annotations

import json

import pytest
from traced_project import OWN

from soundatlas.registry.tracking import CONTENT_TAG, Tracking


@pytest.mark.parametrize(("track", "side"), [("demo:01", "train"), ("demo:05", "validation"), ("demo:09", None)])
def test_models_that_heard_a_track(root, command, track, side):
    """A model is listed with version, run and the side on which it heard the track; the test side taught nothing."""
    code, out, _ = command(root, "impact", track, "--json")
    told = json.loads(out)
    assert code == 0
    assert [(model["versions"], model["aliases"], model["side"]) for model in told["models"]] == (
        [] if side is None else [(["1"], ["champion"], side)]
    )
    assert told["models_that_do_not_say"] == []
    assert all(model["mlflow_run_name"] for model in told["models"])


def test_experiments_deleted_runs_and_runs_that_do_not_say(root, command):
    """A deleted run is still listed; a model from before tracks were recorded is never passed over in silence."""
    tracking = Tracking(root)
    (run,) = tracking.client.search_runs([tracking.experiment_id()])
    old = tracking.client.create_run(tracking.experiment_id(), tags={CONTENT_TAG: "0" * 64})
    tracking.client.delete_run(run.info.run_id)
    told = json.loads(command(root, "impact", "demo:01", "--json")[1])
    assert [model["deleted"] for model in told["models"]] == [True]
    assert [model["mlflow_run"] for model in told["models_that_do_not_say"]] == [old.info.run_id]


def test_predictions_ever_made_of_a_file(root, command):
    """Every prediction of the history, with the model and its labels."""
    told = json.loads(command(root, "impact", OWN, "--json")[1])
    [made] = told["predictions"]
    assert made["status"] == "classified"
    assert set(made["labels"]) == {"genre", "artist"}
    assert told["models"] == []


def test_for_a_person(root, command):
    """The same as lines."""
    code, out, err = command(root, "impact", "demo:01")
    assert (code, err) == (0, "")
    assert "model (train)" in out
    assert "version 1 (champion)" in out
    assert "none in the history" in out
    code, out, _ = command(root, "impact", OWN)
    assert "none was trained on it" in out
    assert "by soundatlas version 1" in out


def test_whatever_is_no_track_is_wrong_use(root, command):
    """One line, exit code 2."""
    code, out, err = command(root, "impact", "demo:99")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
