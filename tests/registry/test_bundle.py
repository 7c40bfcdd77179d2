"""Bundles: what they predict, and what they refuse to be."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tiny_project

from soundatlas.audio.spectrogram import FIXED, analyse_file
from soundatlas.errors import BundleError, OutdatedBundleError, TrackError
from soundatlas.files import read_json, write_json
from soundatlas.learning import export
from soundatlas.learning.export import export_litert
from soundatlas.learning.network import load_network
from soundatlas.registry import bundle as bundles
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.bundle_writing import check_export
from soundatlas.registry.contract import CONTRACT_FORMAT, FILES, PART_FILES, content_sha256

if TYPE_CHECKING:
    from pathlib import Path


NETWORK_FILES = (*FILES, *PART_FILES["network"])


@pytest.fixture(scope="module")
def bundle(model: Path) -> Bundle:
    """Give the model, loaded."""
    return Bundle(model)


def test_file_is_classified_by_every_head(bundle, clip):
    """A clip gives a distribution over each head's classes, a value per attribute and an embedding."""
    prediction = bundle.classify_file(clip)
    assert {head: tuple(classes) for head, classes in prediction.probabilities.items()} == tiny_project.SPACE.classes
    for classes in prediction.probabilities.values():
        assert sum(classes.values()) == pytest.approx(1.0)
    assert set(prediction.values) == set(tiny_project.SPACE.attributes)
    assert prediction.embedding.shape == (tiny_project.TRAIN["embedding"],)


def test_row_names_the_likeliest_class_and_its_confidence(bundle, clip):
    """The row's label is the class with the highest probability, and its confidence is that probability."""
    row = bundle.classify_file(clip).row()
    for head in tiny_project.SPACE.classes:
        probabilities = row[f"{head}_probabilities"]
        assert row[f"{head}_confidence"] == max(probabilities.values()) == probabilities[row[head]]
    assert len(row["embedding"]) == tiny_project.TRAIN["embedding"]


def test_attributes_come_in_their_own_unit(bundle, clip, own_model):
    """The same network under a contract of another scale gives the same standardised value in that scale."""
    contract = read_json(own_model / "contract.json")
    contract["attributes"]["tempo_bpm"] = {"mean": 1000.0, "std": 40.0}
    write_json(own_model / "contract.json", contract)
    tempo = bundle.classify_file(clip).values["tempo_bpm"]
    rescaled = Bundle(own_model).classify_file(clip).values["tempo_bpm"]
    assert (rescaled - 1000.0) / 40.0 == pytest.approx((tempo - 110.0) / 20.0, abs=1e-5)


def test_stored_spectrogram_and_file_give_the_same_probabilities(bundle, clip):
    """What `evaluate` hears in the store is what `classify` hears in the file."""
    stored = bundle.classify_log_mels({"network": analyse_file(clip, bundle.front_ends["network"]).log_mel})
    heard = bundle.classify_file(clip)
    for head, classes in stored.probabilities.items():
        assert classes == pytest.approx(heard.probabilities[head], abs=1e-5)
    np.testing.assert_allclose(stored.embedding, heard.embedding, atol=1e-5)


def test_params_of_the_project_change_nothing(model, clip, bundle, tmp_path, monkeypatch, repository):
    """A `params.yaml` beside, with another front end and other windows, is not read."""
    tiny_project.start_project(
        tmp_path, repository, spectrograms={"hop_length": 64, "n_mels": 20}, train={"window_seconds": 0.2}
    )
    monkeypatch.chdir(tmp_path)
    assert Bundle(model).classify_file(clip).probabilities == bundle.classify_file(clip).probabilities


def test_short_clip_is_classified_and_a_shorter_one_refused(bundle, tmp_path):
    """A clip shorter than a window is repeated to fill one; below `min_seconds` the reason comes through."""
    tiny_project.write_clip(tmp_path / "short.wav", seconds=0.4)
    tiny_project.write_clip(tmp_path / "shorter.wav", seconds=0.2)
    assert bundle.classify_file(tmp_path / "short.wav").probabilities
    with pytest.raises(TrackError) as caught:
        bundle.classify_file(tmp_path / "shorter.wav")
    assert caught.value.reason == "too_short"


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"no music at all" * 99, "not_audio")])
def test_reasons_of_bad_files_come_through(bundle, tmp_path, content, reason):
    """A file that cannot be used is a `TrackError` with its reason code."""
    (tmp_path / "bad.mp3").write_bytes(content)
    with pytest.raises(TrackError) as caught:
        bundle.classify_file(tmp_path / "bad.mp3")
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", NETWORK_FILES)
def test_changed_byte_in_any_file_is_refused(own_model, name):
    """With the registered hash at hand, one flipped bit in any of the files is enough."""
    expected = content_sha256(own_model)
    data = bytearray((own_model / name).read_bytes())
    data[len(data) // 2] ^= 1
    (own_model / name).write_bytes(data)
    with pytest.raises(BundleError, match=r"files changed|contract .* is damaged"):
        Bundle(own_model, expected)


def test_unchanged_bundle_is_accepted_by_its_hash(own_model, model):
    """A copy elsewhere has the same content hash and loads under it."""
    assert Bundle(own_model, content_sha256(model)).content_sha256 == content_sha256(model)


@pytest.mark.parametrize("name", NETWORK_FILES)
def test_missing_file_is_named(own_model, name):
    """A bundle that lacks a file says which."""
    (own_model / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle(own_model)


def test_golden_array_off_by_a_decibel_is_refused(own_model):
    """A machine whose front end gives other numbers does not predict at all."""
    golden = np.load(own_model / "golden-network.npy")
    np.save(own_model / "golden-network.npy", golden + np.float32(1.0))
    with pytest.raises(BundleError, match="1 dB"):
        Bundle(own_model)


@pytest.mark.parametrize("key", ["amin", "mono", "resampler"])
def test_contract_of_another_definition_is_refused(own_model, key):
    """A bundle whose front end fixes other things than this code does is refused, not approximated."""
    contract = read_json(own_model / "contract.json")
    contract["parts"]["network"][key] = 1e-5 if isinstance(FIXED[key], float) else "other"
    write_json(own_model / "contract.json", contract)
    with pytest.raises(BundleError, match="does not fit this version"):
        Bundle(own_model)


def test_contract_of_an_earlier_version_is_outdated(own_model):
    """A bundle of an earlier format says that it is trained anew, also where it lacks the files that came later."""
    contract = read_json(own_model / "contract.json")
    write_json(own_model / "contract.json", {**contract, "format": 1})
    with pytest.raises(OutdatedBundleError, match=r"has format 1, .*: run `dvc repro`"):
        Bundle(own_model)
    (own_model / "network.tflite").unlink()
    with pytest.raises(OutdatedBundleError, match=r"has format 1, .*: run `dvc repro`"):
        Bundle(own_model)


def test_contract_of_a_later_version_is_not_outdated(own_model):
    """A bundle of a later format asks for a newer soundatlas, and is no older model that may be set aside."""
    contract = read_json(own_model / "contract.json")
    write_json(own_model / "contract.json", {**contract, "format": CONTRACT_FORMAT + 1})
    with pytest.raises(BundleError, match=rf"has format {CONTRACT_FORMAT + 1}, .*: update soundatlas") as caught:
        Bundle(own_model)
    assert not isinstance(caught.value, OutdatedBundleError)


def test_contract_without_a_setting_is_named(own_model):
    """An older contract without a key is named as such."""
    contract = read_json(own_model / "contract.json")
    del contract["parts"]["network"]["fmin"]
    write_json(own_model / "contract.json", contract)
    with pytest.raises(OutdatedBundleError, match="fmin"):
        Bundle(own_model)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no JSON"])
def test_damaged_contract_is_one_line(own_model, text):
    """A contract that is none is a clear fault, whether its hash is known or not."""
    (own_model / "contract.json").write_text(text)
    with pytest.raises(BundleError, match=r"contract in .* is damaged"):
        Bundle(own_model)


def test_changed_export_is_refused_before_it_is_loaded(own_model, monkeypatch):
    """The content hash comes first: a file that somebody changed never reaches the native library."""
    expected = content_sha256(own_model)
    (own_model / "network.tflite").write_bytes(b"hostile")
    monkeypatch.setattr(bundles, "LiteRtNetwork", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(BundleError, match="files changed"):
        Bundle(own_model, expected)


def test_good_export_agrees_with_the_network(model, clip):
    """The bundle's two networks say the same of noise, of silence, of the golden clip and of a track."""
    check_export(model, [analyse_file(clip, Bundle(model).front_ends["network"]).log_mel])


@pytest.mark.parametrize(("weight", "said"), [(0.5, "differs from the trained one by 0"), (np.nan, "NaN or infinity")])
def test_export_of_another_network_is_refused_with_the_figure(own_model, weight, said):
    """One changed weight, or one that is no number, is found by comparing outputs."""
    network = load_network(own_model)
    kernel, *rest = network.get_layer("genre").get_weights()
    kernel[0, 0] += weight
    network.get_layer("genre").set_weights([kernel, *rest])
    export_litert(network, own_model / "network.tflite")
    with pytest.raises(BundleError, match=f"{said}.* genre"):
        check_export(own_model)


def test_bundle_with_a_broken_export_is_not_written(tiny_params, tmp_path, monkeypatch):
    """The writer compares what it wrote, and refuses."""

    def export_nothing_learned(network: keras.Model, path: Path) -> None:
        untrained = keras.models.clone_model(network)
        export_litert(untrained, path)

    monkeypatch.setattr(export, "export_litert", export_nothing_learned)
    with pytest.raises(BundleError, match="differs from the trained one"):
        tiny_project.write_model(tmp_path / "broken", tiny_params)


def test_content_hash_is_of_the_model_and_not_of_the_writing(model, other_model, tiny_params, tmp_path):
    """The same network written again has the same hash; other weights have another; other files do not count."""
    tiny_project.write_model(tmp_path / "again", tiny_params, seed=1)
    assert content_sha256(tmp_path / "again") == content_sha256(model)
    assert content_sha256(other_model) != content_sha256(model)
    (tmp_path / "again/about.json").write_text("{}")
    assert content_sha256(tmp_path / "again") == content_sha256(model)


def test_model_outlives_its_folder(model, clip, bundle, tmp_path):
    """A bundle that was moved predicts the same: nothing in it is a path."""
    shutil.copytree(model, tmp_path / "a folder" / "moved")
    moved = Bundle(tmp_path / "a folder" / "moved")
    assert moved.classify_file(clip).probabilities == bundle.classify_file(clip).probabilities
