"""What the atlas remembers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from soundatlas.atlas import remembered
from soundatlas.atlas.remembered import LayoutMemory, descriptors_path
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.history.store import open_history

POSITIONS = np.array([[0.5, -0.25], [-1, 1]], np.float32)


def test_a_layout_comes_back_to_the_bit(tmp_path):
    """What was kept of a model is read again; another model and another seed have none."""
    LayoutMemory(tmp_path, 1).keep("m", ["x", "y"], POSITIONS)
    table = LayoutMemory(tmp_path, 1).read("m")
    assert table["audio_sha256"].tolist() == ["x", "y"]
    assert table[["x", "y"]].to_numpy().tobytes() == POSITIONS.tobytes()
    assert LayoutMemory(tmp_path, 1).read("other").empty
    assert LayoutMemory(tmp_path, 2).read("m").empty


def test_before_is_the_last_other_model_that_has_a_map(tmp_path):
    """Of the models whose predictions were shown, the last one that is another and has a layout; None without one."""
    memory = LayoutMemory(tmp_path, 1)
    assert memory.before("c") is None
    with open_history(tmp_path) as history:
        for model in ("a", "b", "no map", "c"):
            history.note_projection(model)
    assert memory.before("c") is None
    for model in ("a", "b", "c"):
        memory.keep(model, ["x", "y"], POSITIONS)
    found = memory.before("c")
    assert found is not None
    assert (found[0], len(found[1])) == ("b", 2)
    assert memory.before("b")[0] == "c"


def test_descriptors_belong_to_front_end_and_code(tmp_path, tiny_params, monkeypatch):
    """Another front end, or another code, has descriptors of its own."""
    front_end = FrontEnd.of(tiny_params.spectrograms)
    path = descriptors_path(tmp_path, front_end)
    assert descriptors_path(tmp_path, front_end) == path
    assert descriptors_path(tmp_path, dataclasses.replace(front_end, n_mels=17)) != path
    monkeypatch.setattr(remembered, "sha256_file", lambda _path: "other code")
    assert descriptors_path(tmp_path, front_end) != path


@pytest.mark.parametrize("variable", [True, False])
def test_an_experiment_uses_the_real_workspace(tmp_path, monkeypatch, variable):
    """In a temporary workspace of DVC's, the layouts are the real one's."""
    LayoutMemory(tmp_path / "real", 1).keep("m", ["x", "y"], POSITIONS)
    if variable:
        monkeypatch.setenv("DVC_ROOT", str(tmp_path / "real"))
    assert LayoutMemory(tmp_path / "experiment", 1).read("m").empty is not variable
