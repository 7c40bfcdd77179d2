"""Stage `promote`: from a model to the pin, by way of the gate and the alias."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import BundleError, DataRefusedError, SoundatlasError
from soundatlas.files import read_json
from soundatlas.learning.export import export_litert
from soundatlas.learning.network import load_network
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.gate_report import read_report
from soundatlas.registry.pin import read_champion
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.succession import Succession
from soundatlas.registry.tracking import Tracking
from soundatlas.registry.training_tracks import write_training_tracks
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


def test_a_training_that_was_repeated_is_evaluated_too(evaluated, tiny_params):
    """DVC skips `evaluate` when a training gives the same model again: its run has the scores all the same."""
    promote.run(evaluated, tiny_params)
    tracking = Tracking(evaluated)
    repeated = tracking.start_training(read_json(evaluated / "data/model/about.json"))
    tracking.finish_training(repeated, content_sha256(evaluated / "data/model"))
    promote.run(evaluated, tiny_params)
    assert "classes.genre.macro_f1" in tracking.client.get_run(repeated).data.metrics


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
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks)
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
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks)
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


def worse_model(root: Path, params) -> None:
    """Put another model in place, that is wrong on every test track."""
    shutil.rmtree(root / "data/model")
    tiny_project.write_model(root / "data/model", params, seed=2)
    tracks = pd.read_parquet(root / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(root / "data/evaluation", tracks, right=False)


def registry_of(root: Path, params) -> ModelRegistry:
    """Return the project's registry."""
    return ModelRegistry(Tracking(root), params.promote.model_name)


def test_every_decision_leaves_a_report_and_an_entry(evaluated, tiny_params):
    """Promotion and refusal alike: a page beside the run, times per clip of both models, and a line of history."""
    promote.run(evaluated, tiny_params)
    worse_model(evaluated, tiny_params)
    promote.run(evaluated, tiny_params)
    registry = registry_of(evaluated, tiny_params)
    chain = Succession(registry).ledger.read()
    assert chain.problems == ()
    assert [str(entry.event) for entry in chain.entries] == ["promoted", "refused"]
    for number in ("1", "2"):
        version = registry.version(number)
        assert float(version.tags["ms_per_clip"]) > 0
        report = read_report(registry.client, version)
        assert report["figures"]["clips_timed"] == 4
        assert [
            artifact.path for artifact in registry.client.list_artifacts(version.run_id, f"gate/soundatlas-v{number}")
        ] == [
            f"gate/soundatlas-v{number}/report.html",
            f"gate/soundatlas-v{number}/report.json",
        ]
    assert report["figures"]["rival_name"] == "the champion"
    assert report["figures"]["rival_clip_milliseconds"] > 0


def test_no_test_track_judges_nobody(evaluated, tiny_params):
    """Without a test side there is one line that says so; nothing is registered, judged or entered."""
    split = pd.read_parquet(evaluated / "data/split/split.parquet")
    split[split["side"] != "test"].to_parquet(evaluated / "data/split/split.parquet", index=False)
    with pytest.raises(DataRefusedError, match="no track with a spectrogram is on the test side"):
        promote.run(evaluated, tiny_params)
    (evaluated / "data/split/split.parquet").unlink()
    with pytest.raises(SoundatlasError, match=r"split.parquet is missing: run `dvc repro`"):
        promote.run(evaluated, tiny_params)
    registry = registry_of(evaluated, tiny_params)
    assert registry.client.search_registered_models() == []
    assert not (evaluated / "data/champion.json").exists()


def test_evaluation_of_another_model_judges_nobody(evaluated, tiny_params, capsys):
    """A model that is not evaluated yet is neither registered nor judged; the alias is followed all the same."""
    promote.run(evaluated, tiny_params)
    champion = read_champion(evaluated)[0]
    (evaluated / "data/champion.json").unlink()
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    capsys.readouterr()
    promote.run(evaluated, tiny_params)
    out = capsys.readouterr().out
    assert "data/evaluation is not of data/model, which is not judged: run `dvc repro`" in out
    assert read_champion(evaluated)[0] == champion
    assert len(registry_of(evaluated, tiny_params).versions()) == 1
    path = evaluated / "data/evaluation/predictions.parquet"
    pd.read_parquet(path).drop(columns="model_sha256").to_parquet(path, index=False)  # as an earlier version wrote it
    promote.run(evaluated, tiny_params)
    assert len(registry_of(evaluated, tiny_params).versions()) == 1


def test_evaluation_of_other_tracks_judges_nobody(evaluated, tiny_params):
    """Predictions that lack a test track are not taken for the model's answers."""
    path = evaluated / "data/evaluation/predictions.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path, index=False)
    with pytest.raises(SoundatlasError, match=r"data/evaluation lacks 1 test tracks, e.g. demo:11: run `dvc repro`"):
        promote.run(evaluated, tiny_params)
    assert registry_of(evaluated, tiny_params).champion() is None


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ([1, *range(6, 12)], "on 6 test tracks"),
        ([1, *range(8, 12)], "of the majority class"),
    ],
)
def test_champion_that_was_trained_on_test_tracks(evaluated, tiny_params, tests, says):
    """After another split, groups that the champion knows are left out; with too few others it is no rival."""
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    write_training_tracks(evaluated / "data/model", {"train": tracks.iloc[:1], "validation": tracks.iloc[1:2]})
    promote.run(evaluated, tiny_params)
    split = pd.read_parquet(evaluated / "data/split/split.parquet").sort_values("track_id")
    split["side"] = ["test" if number in tests else "train" for number in range(12)]
    split.to_parquet(evaluated / "data/split/split.parquet", index=False)
    worse_model(evaluated, tiny_params)
    promote.run(evaluated, tiny_params)
    reason = registry_of(evaluated, tiny_params).version("2").tags["gate_reason"]
    assert f"the champion was trained on 1 of {len(tests)} test tracks" in reason
    assert says in reason


def test_labels_that_the_champion_never_learned(evaluated, tiny_params, change_tracks, capsys):
    """New labels on the test side count against the champion, and the decision says how many tracks they are."""
    promote.run(evaluated, tiny_params)
    change_tracks(evaluated, genre=["jig", "reel", "waltz"] * 4)
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks)
    capsys.readouterr()
    promote.run(evaluated, tiny_params)
    assert "have labels that the champion never learned (jig)" in capsys.readouterr().out


def test_audio_that_is_not_here_is_not_timed_from_files(evaluated, tiny_params):
    """Where only the spectrograms are, both models are timed on those, and the gate goes on."""
    shutil.rmtree(evaluated / "data/audio")
    promote.run(evaluated, tiny_params)
    version = registry_of(evaluated, tiny_params).version("1")
    assert float(version.tags["ms_per_clip"]) > 0


def test_alias_moved_by_hand_is_entered(evaluated, tiny_params, capsys):
    """What somebody did in MLflow's pages is followed, told and entered; the refused model is not judged again."""
    promote.run(evaluated, tiny_params)
    worse_model(evaluated, tiny_params)
    promote.run(evaluated, tiny_params)
    registry = registry_of(evaluated, tiny_params)
    registry.client.set_registered_model_alias(registry.name, "champion", "2")
    capsys.readouterr()
    promote.run(evaluated, tiny_params)
    out = capsys.readouterr().out
    assert "promote: version 2 moved by hand: the alias was moved from version 1 to version 2 outside soundatlas" in out
    assert read_champion(evaluated)[0].version == "2"
    assert str(Succession(registry).ledger.read().entries[-1].event) == "moved by hand"
