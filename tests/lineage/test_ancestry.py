"""`soundatlas explain`: from a prediction back to the bytes."""

from __future__ import annotations

import json

from traced_project import OWN, run

from soundatlas.files import read_json, sha256_file
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.tracking import Tracking


def test_a_file_of_the_inbox_back_to_its_bytes(root, command):
    """Prediction, model version, MLflow run, commit, data hashes and the bytes: all of it, for another program."""
    code, out, _ = command(root, "explain", OWN, "--json")
    told = json.loads(out)
    assert code == 0
    [found] = told["predictions"]
    assert found["of"] == "champion's prediction"
    assert found["prediction"]["status"] == "classified"
    assert found["made_at"].endswith("+00:00")
    model = found["model"]
    assert model["content_sha256"] == content_sha256(root / "data/model")
    assert (model["versions"], model["aliases"]) == (["1"], ["champion"])
    assert model["git_commit"] == run(root, "git", "rev-parse", "HEAD").strip()
    assert model["heard_this_track_in"] is None
    assert told["audio_sha256"] == sha256_file(root / OWN)
    assert told["validation"]["passed"]
    assert told["inbox"][0]["path"] == OWN
    assert told["catalogue"] == []
    assert told["now"]["dvc_lock"]["data/predictions"].endswith(".dir")


def test_the_run_that_was_registered_is_named(root, command):
    """Not a later one that gave the same model again, whether it is still there or deleted."""
    content, tracking = content_sha256(root / "data/model"), Tracking(root)
    [registered] = tracking.find_runs(content)
    repeated = tracking.start_training(read_json(root / "data/model/about.json"))
    tracking.finish_training(repeated, content)
    for _ in range(2):
        [found] = json.loads(command(root, "explain", OWN, "--json")[1])["predictions"]
        assert found["model"]["mlflow_run"] == registered
        tracking.client.delete_run(repeated)


def test_a_track_of_the_catalogue(root, command):
    """Its row, source, licence, labels with provenance, side, and the rule that it offends."""
    code, out, _ = command(root, "explain", "demo:00", "--json")
    told = json.loads(out)
    assert code == 0
    [track] = told["catalogue"]
    assert (track["row"]["source"], track["row"]["licence"], track["row"]["ml_use"]) == ("demo", "CC0-1.0", "allowed")
    assert track["labels"][0]["provenance"] == "corpus"
    assert track["split"] == {"group": "work 0", "side": "train"}
    assert told["validation"]["offends"][0]["expectation"] == "genre is known"
    assert told["predictions"] == []
    assert "`soundatlas trace` has the map's" in command(root, "explain", "demo:00")[1]


def test_a_test_track_has_the_prediction_of_its_evaluation(root, command):
    """On the test side a track was classified by the model in data/model, and the model never heard it."""
    _, out, _ = command(root, "explain", "demo:09", "--json")
    [found] = json.loads(out)["predictions"]
    assert found["of"] == "evaluation"
    assert found["model"]["versions"] == ["1"]
    assert found["model"]["heard_this_track_in"] is None


def test_for_a_person(root, command):
    """The same as lines: every station from the prediction to the audio has one."""
    code, out, err = command(root, "explain", OWN)
    assert (code, err) == (0, "")
    stations = (
        "prediction",
        "version 1 (champion)",
        "MLflow run",
        "git commit",
        "validation",
        OWN,
        "sha256",
        "dvc.lock",
    )
    for station in stations:
        assert station in out
    _, out, _ = command(root, "explain", "demo:00")
    for station in ("demo: 00", "CC0-1.0; machine learning: allowed", "train, group work 0", "genre chorale (corpus)"):
        assert station in out
