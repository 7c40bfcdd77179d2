"""Running an exported network, and refusing files that are none."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tiny_project

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import BundleError
from soundatlas.learning.litert import LiteRtNetwork

OUTPUTS = {"genre": 3, "artist": 3, "tempo_bpm": 1, "mean_pitch": 1, "embedding": 8}
LOAD = """
import sys
from pathlib import Path
from soundatlas.learning.litert import LiteRtNetwork
import numpy as np
outputs = {"genre": 3, "artist": 3, "tempo_bpm": 1, "mean_pitch": 1, "embedding": 8}
network = LiteRtNetwork(Path(sys.argv[1]), window_shape=(int(sys.argv[2]), int(sys.argv[3])), outputs=outputs)
network.run(np.zeros((2, int(sys.argv[2]), int(sys.argv[3])), np.float32))
print(*(name for name in ("tensorflow", "keras", "pandas", "librosa") if name in sys.modules))
"""


@pytest.fixture(scope="module")
def shape(tiny_params) -> tuple[int, int]:
    """Give a window's shape in the tiny project."""
    front_end = FrontEnd.of(tiny_params.spectrograms)
    return front_end.frames(tiny_params.train.window_seconds), front_end.n_mels


@pytest.fixture
def exported(model, tmp_path):
    """Give a copy of the tiny model's export, to damage."""
    path = tmp_path / "network.tflite"
    path.write_bytes((model / "network.tflite").read_bytes())
    return path


def test_window_depends_on_no_other(exported, shape) -> None:
    """A window gives the very same numbers alone, among others, and again."""
    network = LiteRtNetwork(exported, window_shape=shape, outputs=OUTPUTS)
    windows = np.random.default_rng(1).normal(-50, 20, (7, *shape)).astype(np.float32)
    together = network.run(windows)
    for number in (6, 0):
        alone = network.run(windows[number : number + 1])
        for name, values in together.items():
            np.testing.assert_array_equal(values[number : number + 1], alone[name])


def test_loading_is_silent_and_needs_no_tensorflow(exported, shape) -> None:
    """A process that runs the network imports neither TensorFlow nor tables, and LiteRT prints nothing."""
    command = [sys.executable, "-c", LOAD, str(exported), *map(str, shape)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _without_end(data: bytes) -> bytes:
    return data[:-1]


def _scrambled(data: bytes) -> bytes:
    return data[:8] + bytes(byte ^ 0xA5 for byte in data[8:400]) + data[400:]


def _nothing(_: bytes) -> bytes:
    return b""


def _other_file(_: bytes) -> bytes:
    return b"\x89PNG" * 500


@pytest.mark.parametrize("damage", [_cut, _without_end, _scrambled, _nothing, _other_file])
def test_damaged_file_is_one_line(exported, shape, damage) -> None:
    """A file that LiteRT cannot load is a `BundleError` of one line, and no crash."""
    exported.write_bytes(damage(exported.read_bytes()))
    with pytest.raises(BundleError, match=r"network\.tflite is no LiteRT model") as caught:
        LiteRtNetwork(exported, window_shape=shape, outputs=OUTPUTS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("outputs", [{"genre": 3}, {**OUTPUTS, "artist": 4}, {**OUTPUTS, "decade": 2}])
def test_network_of_other_outputs_is_refused(exported, shape, outputs) -> None:
    """Outputs that the contract does not name, or names in other sizes, are refused before anything runs."""
    with pytest.raises(BundleError, match="other arrays than the contract"):
        LiteRtNetwork(exported, window_shape=shape, outputs=outputs)


def test_network_of_other_windows_is_refused(exported, shape) -> None:
    """A network for windows of another length is refused likewise."""
    with pytest.raises(BundleError, match="other arrays than the contract"):
        LiteRtNetwork(exported, window_shape=(shape[0] + 1, shape[1]), outputs=OUTPUTS)


def test_outputs_are_those_of_the_tiny_project() -> None:
    """The sizes above are the tiny project's."""
    classes = {head: len(names) for head, names in tiny_project.SPACE.classes.items()}
    attributes = dict.fromkeys(tiny_project.SPACE.attributes, 1)
    assert {**classes, **attributes, "embedding": tiny_project.TRAIN["embedding"]} == OUTPUTS
