"""A model that hears stems, from the log-mels to new music."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tiny_project

from soundatlas.audio.stems import StemFrontEnd
from soundatlas.commands.why import explain_prediction
from soundatlas.errors import BundleError, SoundatlasError, StoreError
from soundatlas.files import read_json, write_json
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.inference import Heard, Request, classify_request
from soundatlas.registry.stored_hearing import hear_stored
from soundatlas.stages import evaluate, repeats, separate, train
from soundatlas.stages._inputs import load_sides, open_inputs, training_key

STEM_NAMES = ["harmonic", "foreground"]
ASKED = {"separate": {"stems": STEM_NAMES}, "train": {"stems": True}}


@pytest.fixture(scope="module")
def asked(repository):
    """Give parameters of a model that hears two stems."""
    return tiny_project.params_of(repository, **ASKED)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, computed, asked):
    """Give a project in which such a model was trained and evaluated; copy it, never write to it."""
    root = shutil.copytree(computed, tmp_path_factory.mktemp("trained") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        separate.run(root, asked)
        train.run(root, asked)
        repeats.run(root, asked)
        evaluate.run(root, asked)
    return root


@pytest.fixture
def root(trained, tmp_path):
    """Give a copy of that project, to work on."""
    return shutil.copytree(trained, tmp_path / "project")


def alike(one, other) -> None:
    """Compare two predictions of one track, from the store, which is in float16, and from the file."""
    for head, classes in one.probabilities.items():
        assert other.probabilities[head] == pytest.approx(classes, abs=1e-3)
    np.testing.assert_allclose(other.embedding, one.embedding, atol=1e-3)


def test_contract_names_the_stems(trained, asked) -> None:
    """The network hears mix and stems, the statistics the mix alone; both are in the contract, and so is the recipe."""
    parts = read_json(trained / "data/model/contract.json")["parts"]
    assert parts["network"]["stems"] == STEM_NAMES
    assert parts["network"]["separation"]["margin_foreground"] == asked.separate.margin_foreground
    assert "stems" not in parts["statistics"]
    bundle = Bundle(trained / "data/model")
    assert bundle.front_ends["network"] == StemFrontEnd.of(asked.spectrograms, asked.separate)
    architecture = json.loads((trained / "data/model/architecture.json").read_text())
    frames = bundle.contract.window_frames
    shape = architecture["config"]["layers"][0]["config"]["batch_shape"]
    assert shape == [None, frames, asked.spectrograms.n_mels, 1 + len(STEM_NAMES)]


def test_model_hears_catalogue_and_files_alike(trained, asked) -> None:
    """From the store, from the file, and in a worker the model says the same of a track."""
    bundle, inputs = Bundle(trained / "data/model"), open_inputs(trained, asked)
    assert bundle.reads(inputs)
    track = pd.read_parquet(trained / "data/catalog/tracks.parquet").iloc[0]
    stored = bundle.classify_stored(inputs, track["audio_sha256"])
    alike(stored, bundle.classify_file(trained / track["path"]))
    request = Request(track["audio_sha256"], trained, track["path"], bundle.folder, bundle.content_sha256)
    heard = classify_request(request)
    assert isinstance(heard, Heard)
    alike(stored, heard.prediction)


def test_stems_change_what_the_model_says(trained, asked) -> None:
    """The further channels are heard: with the stems silenced, the network says something else."""
    bundle, inputs = Bundle(trained / "data/model"), open_inputs(trained, asked)
    sha = load_sides(trained, inputs)["test"]["audio_sha256"].iloc[0]
    log_mel = inputs.network_store.log_mel(sha)
    silenced = log_mel.copy()
    silenced[..., 1:] = -100
    both = [
        bundle.classify_log_mels({"network": heard, "statistics": log_mel[..., 0]}) for heard in (log_mel, silenced)
    ]
    assert np.abs(both[0].embedding - both[1].embedding).max() > 1e-3


def test_test_tracks_are_judged_from_the_store(trained) -> None:
    """Evaluation knows the four test tracks."""
    assert read_json(trained / "data/evaluation/metrics.json")["classes"]["artist"]["tracks"] == 4


def test_the_map_hears_the_catalogue_from_the_store(root) -> None:
    """What stage `atlas` asks for comes from the stored stems, without a file; where they are gone, nothing comes."""
    bundle = Bundle(root / "data/model")
    shas = pd.read_parquet(root / "data/catalog/tracks.parquet")["audio_sha256"].tolist()[:2]
    shutil.rmtree(root / "data/audio")
    assert set(hear_stored(root, bundle, shas[:1], timeout_seconds=60)) == set(shas[:1])
    shutil.rmtree(root / "data/stems")
    assert set(hear_stored(root, bundle, shas, timeout_seconds=60)) == set(shas[:1])  # of the history


def test_a_machine_that_separates_otherwise_is_refused(root) -> None:
    """A recipe that gives the golden clip other stems than those it was trained on keeps the model from loading."""
    path = root / "data/model/contract.json"
    contract = read_json(path)
    contract["parts"]["network"]["separation"]["margin_foreground"] = 3.0
    write_json(path, contract)
    with pytest.raises(BundleError, match="golden clip differs by"):
        Bundle(root / "data/model")


def test_stems_of_other_settings_are_refused(trained, repository) -> None:
    """A project that changed its stems and did not compute them anew is told to; so is one that never did."""
    other = tiny_project.params_of(repository, **{**ASKED, "separate": {"stems": STEM_NAMES[:1]}})
    with pytest.raises(StoreError, match="in stems were computed by another front end: run `dvc repro`"):
        open_inputs(trained, other)


def test_without_the_stage_training_says_what_to_run(computed, asked) -> None:
    """Before stage `separate` ran there is nothing to hear."""
    with pytest.raises(SoundatlasError, match=r"manifest\.parquet is missing: run `dvc repro`"):
        open_inputs(computed, asked)


def test_a_model_without_stems_reads_the_same_project(trained, asked, model) -> None:
    """A champion from before hears the plain spectrograms, whatever lies beside them."""
    bundle, inputs = Bundle(model), open_inputs(trained, asked)
    assert bundle.reads(inputs)
    track = pd.read_parquet(trained / "data/catalog/tracks.parquet").iloc[0]
    alike(bundle.classify_stored(inputs, track["audio_sha256"]), bundle.classify_file(trained / track["path"]))


def test_a_training_is_known_again_by_its_stems(trained, asked, repository, tiny_params) -> None:
    """Another recipe is another training; without stems the key is that of a version that knew none."""
    sides = load_sides(trained, open_inputs(trained, asked))
    harder = tiny_project.params_of(repository, **{**ASKED, "separate": {"stems": STEM_NAMES, "power": 3.0}})
    others = tiny_project.params_of(repository, separate={"stems": STEM_NAMES})
    keys = [training_key(params, sides) for params in (asked, harder, tiny_params, others)]
    assert len(set(keys)) == 3
    assert keys[2] == keys[3]


def test_its_predictions_are_explained(root, monkeypatch, capsys) -> None:
    """`soundatlas why` draws the mix, and says where in the sound the answer rests."""
    tiny_project.install_champion(root, root / "data/model")
    monkeypatch.chdir(root)
    explain_prediction("demo:01", out=root / "why.png", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (root / "why.png").read_bytes().startswith(b"\x89PNG")
    drops = np.array(told["heads"]["genre"]["log_probability_drops"])
    assert drops.shape == (len(told["patch_edges_seconds"]) - 1, len(told["patch_edges_bands"]) - 1)
    assert np.isfinite(drops).all()
    assert len(told["nearest_training_tracks"]) > 0
