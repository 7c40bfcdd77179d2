"""Registering once, following the alias, and finding the champion's bundle wherever the project lies."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import mlflow
import pytest
import tiny_project

from soundatlas.errors import BundleError, SoundatlasError, UsageError
from soundatlas.files import read_json, write_json
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.contract import content_sha256, files_of
from soundatlas.registry.pin import Champion, bundle_folder, export_pin, read_champion
from soundatlas.registry.promotion import ALIAS, ModelRegistry, in_experiment
from soundatlas.registry.tracking import Tracking

NAME = "soundatlas"
PREDICT = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/soundatlas@champion")
table = model.predict(pd.DataFrame({"path": sys.argv[2:]}))
print(table[["path", "status", "message", "genre", "genre_confidence"]].to_json(orient="records"))
"""


def test_bundle_is_registered_once(root, registry, model):
    """The same content is found again, under any run; its version bears the content's hash."""
    content = content_sha256(model)
    again = registry.register(root / "data/model", "no run is needed")
    assert (int(again.version), again.tags["content_sha256"]) == (2, content)
    assert len(registry.client.search_model_versions(f"name = '{NAME}'")) == 2
    assert registry.find("0" * 64) is None


def test_run_of_the_training_stays_as_it_ended(project, monkeypatch):
    """Registering counts neither as its end nor, when it is interrupted, as its failure."""
    tracking = Tracking(project)
    run = tracking.client.get_run(tracking.publish(project / "data/model", project / "data/evaluation"))
    registry = ModelRegistry(tracking, NAME)
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.pyfunc, "log_model", ends_by_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            registry.register(project / "data/model", run.info.run_id)
    version = registry.register(project / "data/model", run.info.run_id)
    assert version.run_id == run.info.run_id
    assert tracking.client.get_run(run.info.run_id).info == run.info
    assert tracking.find_runs(content_sha256(project / "data/model")) == [run.info.run_id]


def ends_by_ctrl_c(*_: object, **__: object) -> None:
    """End as a command does that is interrupted."""
    raise KeyboardInterrupt


def test_registry_without_models_has_no_champion(project):
    """Before anything is registered there is no champion, and no fault."""
    registry = ModelRegistry(Tracking(project), NAME)
    assert registry.champion() is None
    assert registry.find("0" * 64) is None


def test_versions_are_found_by_number(registry):
    """A version that is not there is a wrong use, and those that are there are listed."""
    assert str(registry.version("2").version) == "2"
    with pytest.raises(UsageError, match=r"soundatlas has no version 7; there are: 1, 2"):
        registry.version("7")


def test_champion_of_somebody_else_is_a_clear_fault(registry):
    """An alias on a version that soundatlas did not register says so, and what to do."""
    registry.client.delete_model_version_tag(NAME, "1", "content_sha256")
    registry.client.set_registered_model_alias(NAME, ALIAS, "1")
    with pytest.raises(BundleError, match=r"version 1, which soundatlas did not register"):
        registry.champion()


def test_champion_is_fetched_once_and_by_content(registered, root, registry, model):
    """The bundle lies under its hash with what the registry knows of it, though the project was moved and the old gone.

    A second fetch copies nothing.
    """
    registry.client.set_registered_model_alias(NAME, ALIAS, "2")
    hidden = registered.with_name("hidden")
    registered.rename(hidden)
    try:
        folder = registry.fetch(registry.champion())
    finally:
        hidden.rename(registered)
    content = content_sha256(model)
    assert folder == root / "mlruns/bundles" / content
    assert all((folder / name).read_bytes() == (model / name).read_bytes() for name in files_of(model))
    assert Bundle(folder, content).space == tiny_project.SPACE
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert registry.fetch(registry.champion()) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_changed_files_in_the_registry_are_refused(root, registry, model):
    """What was changed behind the registry's back is not fetched, and nothing is left half-written."""
    registry.client.set_registered_model_alias(NAME, ALIAS, "2")
    weights = (model / "network.weights.h5").read_bytes()
    (stored,) = [path for path in root.rglob("artifacts/**/network.weights.h5") if path.read_bytes() == weights]
    stored.write_bytes(weights[:-1] + b"?")
    with pytest.raises(BundleError, match="version 2 of soundatlas is not what was registered"):
        registry.fetch(registry.champion())
    assert not list((root / "mlruns/bundles").iterdir())


def test_pin_is_rewritten_only_when_it_changes(tmp_path, model, other_model):
    """The same champion leaves the pin's time as it is, so that DVC sees nothing new."""
    pin = tmp_path / "data/champion.json"
    export_pin(tmp_path, NAME, model)
    written = read_json(pin)
    os.utime(pin, ns=(1, 1))
    export_pin(tmp_path, NAME, model)
    assert pin.stat().st_mtime_ns == 1
    export_pin(tmp_path, NAME, other_model)
    assert pin.stat().st_mtime_ns != 1
    assert read_json(pin)["content_sha256"] == content_sha256(other_model) != written["content_sha256"]
    assert read_json(pin)["contract_sha256"] == written["contract_sha256"]


def test_champion_is_read_from_the_pin_alone(tmp_path, model):
    """The pin and the fetched bundle are enough: no registry is asked."""
    content = tiny_project.install_champion(tmp_path, model)
    champion, folder = read_champion(tmp_path)
    assert champion == Champion(NAME, "1", content, "r")
    assert folder == bundle_folder(tmp_path, content)
    assert not (tmp_path / "mlruns/mlflow.db").exists()


def test_pin_without_a_champion_says_so(tmp_path):
    """While nobody is champion the pin is there and holds nothing."""
    export_pin(tmp_path, NAME, None)
    assert read_champion(tmp_path) is None


@pytest.mark.parametrize(
    ("pin", "error", "message"),
    [
        (None, SoundatlasError, "champion.json is missing"),
        ({"content_sha256": "../../elsewhere"}, BundleError, "does not name a model"),
        ({"content_sha256": "A" * 64}, BundleError, "does not name a model"),
        ({"content_sha256": "a" * 64}, BundleError, "aaaaaaaaaaaa is not in mlruns/bundles"),
    ],
)
def test_pin_that_names_no_bundle_is_a_clear_fault(tmp_path, pin, error, message):
    """A missing pin, one that holds no hash, and one whose bundle is not here each say what to do."""
    if pin is not None:
        write_json(tmp_path / "data/champion.json", pin)
    with pytest.raises(error, match=message):
        read_champion(tmp_path)


def test_experiment_is_told_by_its_variable(monkeypatch):
    """DVC names the experiment in the environment of what it runs; an empty name is none."""
    assert not in_experiment()
    monkeypatch.setenv("DVC_EXP_NAME", "")
    assert not in_experiment()
    monkeypatch.setenv("DVC_EXP_NAME", "wider-windows")
    assert in_experiment()


def test_mlflow_loads_and_runs_the_champion_anywhere(registered, tmp_path, clip):
    """`mlflow.pyfunc` alone, in another process and folder, predicts a table of paths; a bad file is a row."""
    uri = f"sqlite:///{registered / 'mlruns/mlflow.db'}"
    Tracking(registered).client.set_registered_model_alias(NAME, ALIAS, "2")
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"no music")
    try:
        done = subprocess.run(
            [sys.executable, "-c", PREDICT, uri, str(clip), str(bad)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        Tracking(registered).client.delete_registered_model_alias(NAME, ALIAS)
    assert done.returncode == 0, done.stderr
    good, refused = json.loads(done.stdout.splitlines()[-1])
    expected = Bundle(registered / "data/model").classify_file(clip).row()
    assert (good["path"], good["status"], good["genre"]) == (str(clip), "classified", expected["genre"])
    assert good["genre_confidence"] == pytest.approx(expected["genre_confidence"], abs=1e-5)
    assert (refused["status"], refused["genre"]) == ("not_audio", None)
    assert refused["message"]
