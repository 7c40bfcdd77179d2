"""Registering once, judging once, following the alias, and finding the champion's bundle wherever the project lies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_project

from soundatlas.errors import BundleError, SoundatlasError
from soundatlas.files import read_json, write_json
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.contract import content_sha256, files_of
from soundatlas.registry.gate import Verdict
from soundatlas.registry.pin import Champion, bundle_folder, export_pin, read_champion
from soundatlas.registry.promotion import ALIAS, GATE_TAG, REASON_TAG, ModelRegistry, in_experiment
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


@pytest.fixture(scope="session")
def registered(tmp_path_factory, repository, empty_database, model, other_model) -> Path:
    """Give a project with two registered versions, neither judged: logging a model costs seconds."""
    root = tmp_path_factory.mktemp("registered") / "project"
    tiny_project.start_project(root, repository)
    tracks = tiny_project.write_catalogue(root, audio=False)
    tiny_project.write_evaluation(root / "data/evaluation", tracks)
    (root / "mlruns").mkdir()
    shutil.copyfile(empty_database, root / "mlruns/mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("DVC_ROOT", raising=False)
        tracking = Tracking(root)
        registry = ModelRegistry(tracking, NAME)
        for folder in (other_model, model):
            shutil.rmtree(root / "data/model", ignore_errors=True)
            shutil.copytree(folder, root / "data/model")
            registry.register(root / "data/model", tracking.publish(root / "data/model", root / "data/evaluation"))
    return root


@pytest.fixture
def root(registered: Path, tmp_path: Path) -> Path:
    """Give a copy of the project with two versions: every test that uses it is also one of a moved project."""
    return Path(shutil.copytree(registered, tmp_path / "moved project"))


@pytest.fixture
def registry(root: Path) -> ModelRegistry:
    """Give the registry of the copied project."""
    return ModelRegistry(Tracking(root), NAME)


def verdict(*, promoted: bool):
    """Return a gate that always says the same, and the list of champions that it was asked about."""
    asked = []

    def judge(champion: Champion | None) -> Verdict:
        asked.append(champion)
        return Verdict(promoted, "a reason", {"gain": 0.25})

    return judge, asked


def version(registry: ModelRegistry, number: int):
    """Return a version as the registry has it now."""
    return registry.client.get_model_version(NAME, str(number))


def test_bundle_is_registered_once(root, registry, model):
    """The same content is found again, under any run; its version bears the content's hash."""
    content = content_sha256(model)
    again = registry.register(root / "data/model", "no run is needed")
    assert (int(again.version), again.tags["content_sha256"]) == (2, content)
    assert len(registry.client.search_model_versions(f"name = '{NAME}'")) == 2
    assert registry.find("0" * 64) is None


def test_registry_without_models_has_no_champion(project):
    """Before anything is registered there is no champion, and no fault."""
    registry = ModelRegistry(Tracking(project), NAME)
    assert registry.champion() is None
    assert registry.find("0" * 64) is None


def test_winner_gets_the_alias(registry):
    """The first promoted model becomes champion; its version says so, why, and with which figures."""
    judge, asked = verdict(promoted=True)
    assert registry.judge(version(registry, 1), judge) == "version 1 promoted: a reason"
    assert asked == [None]
    assert registry.champion().version == "1"
    assert version(registry, 1).tags[GATE_TAG] == "promoted"
    assert version(registry, 1).tags[REASON_TAG] == "a reason"


def test_loser_does_not(registry):
    """A refused model leaves the alias where it was, and is told who the champion is."""
    registry.judge(version(registry, 1), verdict(promoted=True)[0])
    judge, asked = verdict(promoted=False)
    assert registry.judge(version(registry, 2), judge) == "version 2 refused: a reason"
    assert asked == [registry.champion()]
    assert registry.champion().version == "1"
    assert version(registry, 2).tags[GATE_TAG] == "refused"


@pytest.mark.parametrize("promoted", [True, False])
def test_model_is_judged_once(registry, promoted):
    """A second look at a judged version asks nobody and changes nothing."""
    registry.judge(version(registry, 1), verdict(promoted=promoted)[0])
    judge, asked = verdict(promoted=not promoted)
    assert registry.judge(version(registry, 1), judge) is None
    assert asked == []
    assert (registry.champion() is not None) == promoted


def test_alias_that_was_moved_by_hand_stands(root, registry, other_model):
    """A rollback in MLflow is final: the judged newer version does not take the alias back, and the pin follows."""
    for number in (1, 2):
        registry.judge(version(registry, number), verdict(promoted=True)[0])
    registry.client.set_registered_model_alias(NAME, ALIAS, "1")
    assert registry.judge(version(registry, 2), verdict(promoted=True)[0]) is None
    champion = registry.champion()
    export_pin(root, NAME, registry.fetch(champion))
    assert champion.version == "1"
    assert read_json(root / "data/champion.json")["content_sha256"] == content_sha256(other_model)
    registry.client.delete_registered_model_alias(NAME, ALIAS)
    assert registry.champion() is None


def test_kill_between_alias_and_tag_is_healed(registry):
    """A version that has the alias but was not tagged is champion already: it is tagged and nobody is asked."""
    registry.client.set_registered_model_alias(NAME, ALIAS, "2")
    judge, asked = verdict(promoted=False)
    assert registry.judge(version(registry, 2), judge) == "version 2 is the champion"
    assert asked == []
    assert (version(registry, 2).tags[GATE_TAG], registry.champion().version) == ("promoted", "2")


def test_alias_moves_before_the_tag(registry, monkeypatch):
    """A kill right after the alias moved leaves an untagged champion, not a tagged model without its place."""

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "_decide", kill)
    with pytest.raises(KeyboardInterrupt):
        registry.judge(version(registry, 1), verdict(promoted=True)[0])
    assert registry.champion().version == "1"
    assert GATE_TAG not in version(registry, 1).tags


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
