"""musicnn, rebuilt: the same numbers as its definition and as the original graph, and a model that travels."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import random_musicnn
from safetensors.numpy import load_file

from soundatlas.errors import BackboneUnavailableError
from soundatlas.learning.backbone_weights import checkpoint
from soundatlas.learning.musicnn import POOLED, build_musicnn

SHAPES = {"pooled": (POOLED,), "penultimate": (200,), "tags": (50,)}


@pytest.fixture(scope="module")
def values():
    """Give weights of all layers."""
    return random_musicnn.draw_weights(1)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory, values):
    """Give a checkpoint of those weights."""
    prefix = tmp_path_factory.mktemp("checkpoint") / "random"
    random_musicnn.write_checkpoint(prefix, values)
    return prefix


@pytest.fixture(scope="module")
def network(prefix):
    """Give the network of that checkpoint."""
    return build_musicnn(prefix)


def _windows(count: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-100, 30, (count, 187, 96)).astype(np.float32)


def test_network_is_what_the_definition_says(network, values) -> None:
    """Compression, padding, order of layers and of the pooled vector are musicnn's, to float32's precision."""
    windows = _windows(1)
    outputs = network(windows, training=False)
    assert {name: tuple(array.shape[1:]) for name, array in outputs.items()} == SHAPES
    for name, expected in random_musicnn.reference(values, windows[0]).items():
        np.testing.assert_allclose(outputs[name][0], expected, atol=1e-4, rtol=1e-5)


def test_silence_and_noise_stay_finite(network) -> None:
    """The floor of -100 dB and levels far above full scale give finite features."""
    windows = np.stack([np.full((187, 96), level, dtype=np.float32) for level in (-100.0, 80.0)])
    for array in network(windows, training=False).values():
        assert np.isfinite(array.numpy()).all()


def test_network_is_frozen(network) -> None:
    """Nothing of it is trained, whatever it becomes a part of."""
    assert network.trainable_weights == []


def test_architecture_loads_without_code_of_ours(network, tmp_path) -> None:
    """The saved architecture holds stock layers only and gives equal outputs with the saved weights."""
    layers = json.loads(network.to_json())["config"]["layers"]
    assert {layer["module"] for layer in layers} == {"keras.layers"}
    network.save_weights(tmp_path / "model.weights.h5")
    again = keras.models.model_from_json(network.to_json())
    again.load_weights(tmp_path / "model.weights.h5")
    for name, expected in network(_windows(1), training=False).items():
        np.testing.assert_array_equal(again(_windows(1), training=False)[name], expected)


def test_missing_checkpoint_is_one_line(tmp_path) -> None:
    """Where there is no checkpoint the message says how to do without."""
    with pytest.raises(BackboneUnavailableError, match=r"^nothing cannot be read .*set train\.backbone to none$"):
        build_musicnn(tmp_path / "nothing")


def test_checkpoint_of_another_network_is_refused(tmp_path, values) -> None:
    """A layer of another shape is no musicnn."""
    random_musicnn.write_checkpoint(tmp_path / "other", values | {"conv2d/bias": np.zeros(3, dtype=np.float32)})
    with pytest.raises(BackboneUnavailableError, match=r"^other holds no musicnn .*set train\.backbone to none$"):
        build_musicnn(tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MSD", "MTT"])
def test_real_weights_give_what_the_original_graph_gave(name, repository) -> None:
    """With the package's weights, all outputs are those of musicnn's own TensorFlow 1 graph."""
    golden = load_file(repository / "tests/resources/musicnn/golden.safetensors")
    decibels = np.random.default_rng(2026).uniform(-100, 20, (1, 187, 96)).astype(np.float32)
    outputs = build_musicnn(checkpoint(f"{name}_musicnn"))(decibels, training=False)
    for output in SHAPES:
        np.testing.assert_allclose(outputs[output][0], golden[f"{name}.{output}"], atol=2e-4, rtol=1e-5)
