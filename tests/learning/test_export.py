"""The LiteRT export: the same numbers, the same bytes, and the names."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from soundatlas.learning.agreement import check_agreement
from soundatlas.learning.export import export_litert
from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.learning.litert import LiteRtNetwork
from soundatlas.learning.network import build_network, load_network, run_network, save_network
from soundatlas.learning.track import EMBEDDING

SHAPE = (13, 10)
SPACE = LabelSpace({"genre": ("air", "reel"), "artist": ("a", "b", "c")}, {"tempo_bpm": Scale(100.0, 20.0)})
OUTPUTS = {"genre": 2, "artist": 3, "tempo_bpm": 1, EMBEDDING: 6}
WINDOWS = np.random.default_rng(0).normal(-50, 10, (5, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Give a network whose batch statistics are not those it started with."""
    keras.utils.set_random_seed(3)
    made = build_network(
        window_frames=SHAPE[0],
        n_mels=SHAPE[1],
        space=SPACE,
        channels=[3, 4],
        embedding=6,
        dropout=0.5,
        mean_db=-50.0,
        std_db=10.0,
    )
    made(WINDOWS, training=True)
    return made


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    """Give the path of the network's export."""
    path = tmp_path_factory.mktemp("export") / "network.tflite"
    export_litert(network, path)
    return path


def test_export_says_what_the_network_says(network, exported) -> None:
    """Every output comes under its own name, with the network's values, window by window."""
    served = LiteRtNetwork(exported, window_shape=SHAPE, outputs=OUTPUTS)
    found, expected = served.run(WINDOWS), run_network(network)(WINDOWS)
    assert {name: values.shape for name, values in found.items()} == {name: (5, n) for name, n in OUTPUTS.items()}
    for name, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected[name], atol=1e-5)
    check_agreement(run_network(network), served.run, SPACE, WINDOWS)


def test_exporting_again_gives_equal_bytes(network, exported, tmp_path) -> None:
    """The content hash is the model's identity: an export again, and one of the network from disk, are the same."""
    save_network(network, tmp_path)
    for number, same in enumerate((network, load_network(tmp_path))):
        export_litert(same, tmp_path / f"{number}.tflite")
        assert (tmp_path / f"{number}.tflite").read_bytes() == exported.read_bytes()
