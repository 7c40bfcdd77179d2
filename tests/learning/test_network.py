"""The network: its shape, its files, and predicting whole tracks."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.learning.network import (
    ARCHITECTURE_NAME,
    WEIGHTS_NAME,
    build_network,
    load_network,
    save_network,
)
from soundatlas.learning.track import EMBEDDING

WINDOW_FRAMES, N_MELS = 13, 10
SPACE = LabelSpace({"genre": ("air", "reel"), "artist": ("a", "b", "c")}, {"tempo_bpm": Scale(100.0, 20.0)})


def _build(**changed):
    settings = {
        "window_frames": WINDOW_FRAMES,
        "n_mels": N_MELS,
        "space": SPACE,
        "channels": [3, 4],
        "embedding": 6,
        "dropout": 0.5,
        "mean_db": -50.0,
        "std_db": 10.0,
    }
    return build_network(**(settings | changed))


def _windows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-50, 10, (count, WINDOW_FRAMES, N_MELS)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    """Give an untrained network."""
    keras.utils.set_random_seed(3)
    return _build()


def test_heads_have_names_and_shapes(network) -> None:
    """There is an output per class head, per attribute and for the embedding."""
    outputs = network(_windows(5), training=False)
    assert {name: tuple(array.shape) for name, array in outputs.items()} == {
        "genre": (5, 2),
        "artist": (5, 3),
        "tempo_bpm": (5, 1),
        EMBEDDING: (5, 6),
    }
    assert network.input_shape == (None, WINDOW_FRAMES, N_MELS)


def test_network_without_attributes_is_possible() -> None:
    """A model may learn classes alone."""
    outputs = _build(space=LabelSpace({"genre": ("air", "reel")}, {}))(_windows(1), training=False)
    assert set(outputs) == {"genre", EMBEDDING}


def test_decibels_are_standardised_within(network) -> None:
    """The levels of the training tracks are part of the network: dB go in as they are."""
    keras.utils.set_random_seed(3)
    plain = _build(mean_db=0.0, std_db=1.0)
    plain.set_weights(network.get_weights())
    standardised = ((_windows(4) + 50) / 10).astype(np.float32)
    for name, expected in plain(standardised, training=False).items():
        np.testing.assert_allclose(network(_windows(4), training=False)[name], expected, atol=1e-4)


def test_saved_network_gives_equal_outputs(network, tmp_path) -> None:
    """Architecture and weights on disk are the whole network."""
    save_network(network, tmp_path)
    again = load_network(tmp_path)
    for name, expected in network(_windows(4), training=False).items():
        np.testing.assert_array_equal(again(_windows(4), training=False)[name], expected)


def test_saving_again_gives_equal_bytes(network, tmp_path) -> None:
    """A network that did not change is the same files, also after being loaded."""
    folders = [tmp_path / name for name in ("one", "two", "loaded")]
    for folder in folders:
        folder.mkdir()
        save_network(load_network(folders[0]) if folder.name == "loaded" else network, folder)
    for name in (ARCHITECTURE_NAME, WEIGHTS_NAME):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1


def test_saved_architecture_holds_stock_layers_only(network, tmp_path) -> None:
    """Nothing in the file asks for code of ours, so that Keras loads it in its safe mode."""
    save_network(network, tmp_path)
    architecture = json.loads((tmp_path / ARCHITECTURE_NAME).read_text(encoding="utf-8"))
    layers = architecture["config"]["layers"]
    assert len(layers) > 10
    assert {layer["module"] for layer in layers} == {"keras.layers"}
    assert {layer.get("registered_name") for layer in layers} == {None}


def test_stems_are_further_channels() -> None:
    """With two stems a window has three channels, and each counts; without any, the layers are what they were."""
    network = _build(stems=2)
    assert network.input_shape == (None, WINDOW_FRAMES, N_MELS, 3)
    windows = np.stack([_windows(4, seed) for seed in range(3)], axis=-1)
    before = network(windows, training=False)[EMBEDDING].numpy()
    for channel in range(3):
        changed = windows.copy()
        changed[..., channel] += 20
        assert np.abs(network(changed, training=False)[EMBEDDING].numpy() - before).max() > 1e-4
    assert len(network.layers) == len(_build().layers) + 1
