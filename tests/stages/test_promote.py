"""Stage `promote`: from a model to the pin, by way of the gate and the alias."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import BundleError
from soundatlas.files import read_json
from soundatlas.learning.export import export_litert
from soundatlas.learning.network import load_network
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.pin import read_champion
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.tracking import Tracking
from soundatlas.stages import promote

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def evaluated(catalogued: Path, model: Path) -> Path:
    """Give a project after `evaluate`, with a model that is right on every test track."""
    shutil.copytree(model, catalogued / "data/model")
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(catalogued / "data/evaluation", tracks)
    return catalogued


def test_champion_is_made_kept_and_challenged(evaluated, tiny_params, capsys):
    """The first good model is promoted and pinned; a second look changes nothing; a worse model is refused."""
    champion = content_sha256(evaluated / "data/model")
    promote.run(evaluated, tiny_params)
    assert read_champion(evaluated)[0].content_sha256 == champion
    assert "version 1 promoted" in capsys.readouterr().out
    pin = (evaluated / "data/champion.json").stat().st_mtime_ns
    promote.run(evaluated, tiny_params)
    assert capsys.readouterr().out == "promote: the champion is version 1\n"
    assert (evaluated / "data/champion.json").stat().st_mtime_ns == pin
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks, right=False)
    promote.run(evaluated, tiny_params)
    assert "version 2 refused" in capsys.readouterr().out
    assert read_champion(evaluated)[0].content_sha256 == champion


def champion_of_an_earlier_version(root: Path, params) -> None:
    """Make the model champion, and then turn its bundle into one of an earlier version, as an update would find it."""
    promote.run(root, params)
    content = content_sha256(root / "data/model")
    tiny_project.make_outdated(root / "mlruns/bundles" / content)
    stored = [path.parent for path in root.glob("mlruns/artifacts/**/contract.json")]
    assert stored
    for folder in stored:
        tiny_project.make_outdated(folder)


@pytest.mark.parametrize("fetched", [True, False])
def test_outdated_champion_is_no_rival(evaluated, tiny_params, capsys, fetched):
    """After an update the new model is judged as a first one, with the reason, and takes the place.

    It makes no difference whether the outdated bundle still lies beside the registry.
    """
    champion_of_an_earlier_version(evaluated, tiny_params)
    if not fetched:
        shutil.rmtree(evaluated / "mlruns/bundles")
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    capsys.readouterr()
    promote.run(evaluated, tiny_params)
    out = capsys.readouterr().out
    assert "version 2 promoted" in out
    assert "majority class" in out
    assert "version 1 has the champion's alias and cannot be used" in out
    assert "format 1" in out
    assert read_champion(evaluated)[0].version == "2"
    registry = ModelRegistry(Tracking(evaluated), tiny_params.promote.model_name)
    tags = registry.client.get_model_version(registry.name, "2").tags
    assert "version 1 has the champion's alias and cannot be used" in tags["gate_reason"]


def test_outdated_champion_without_a_better_model_leaves_nobody(evaluated, tiny_params, capsys):
    """A new model that does not pass the gate takes nobody's place: the pin says that there is no champion, and why."""
    champion_of_an_earlier_version(evaluated, tiny_params)
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks, right=False)
    promote.run(evaluated, tiny_params)
    out = capsys.readouterr().out.splitlines()
    assert "version 2 refused" in out[-3]
    assert out[-2].startswith("promote: version 1 has the champion's alias and cannot be used")
    assert out[-1] == "promote: the champion is none yet"
    assert read_champion(evaluated) is None


def test_damaged_champion_is_a_fault_and_keeps_its_place(evaluated, tiny_params):
    """Files that changed behind the registry's back are no reason to dethrone: one line, and nothing moves."""
    promote.run(evaluated, tiny_params)
    content = content_sha256(evaluated / "data/model")
    (evaluated / "mlruns/bundles" / content / "network.tflite").write_bytes(b"hostile")
    with pytest.raises(BundleError, match="files changed"):
        promote.run(evaluated, tiny_params)
    registry = ModelRegistry(Tracking(evaluated), tiny_params.promote.model_name)
    assert registry.champion().content_sha256 == content


def test_model_whose_export_says_something_else_is_not_registered(evaluated, tiny_params):
    """The two networks of a model are compared once more before anybody can load it by name."""
    network = load_network(evaluated / "data/model")
    kernel, *rest = network.get_layer("artist").get_weights()
    network.get_layer("artist").set_weights([kernel * 1.1, *rest])
    export_litert(network, evaluated / "data/model/network.tflite")
    with pytest.raises(BundleError, match=r"differs from the trained one by 0\.\d+ in artist"):
        promote.run(evaluated, tiny_params)
    registry = ModelRegistry(Tracking(evaluated), tiny_params.promote.model_name)
    assert registry.client.search_registered_models() == []


def test_experiment_promotes_nothing(evaluated, tiny_params, monkeypatch, capsys):
    """Inside a DVC experiment nothing is registered or judged; the pin says who is champion, here nobody."""
    monkeypatch.setenv("DVC_EXP_NAME", "wider-windows")
    promote.run(evaluated, tiny_params)
    assert capsys.readouterr().out == "promote: the champion is none yet\n"
    assert read_json(evaluated / "data/champion.json")["content_sha256"] is None
    registry = ModelRegistry(Tracking(evaluated), tiny_params.promote.model_name)
    assert registry.client.search_registered_models() == []
