"""The chain of a track whose champion hears with a backbone."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import random_musicnn
import tiny_project

from soundatlas.chain.making import make_steps
from soundatlas.chain.plan import plan_steps
from soundatlas.chain.states import Chain, State, Track
from soundatlas.chain.wanted import Wanted
from soundatlas.errors import TrackError
from soundatlas.history.audit import open_audit
from soundatlas.learning import backbone as backbones
from soundatlas.learning import backbone_features
from soundatlas.learning.backbone import feature_program
from soundatlas.learning.backbone_features import read_features, remove_features
from soundatlas.tables import FAILURES, conform, write_table

FEATURES, FAILED = "data/backbone/features.safetensors", "data/backbone/failures.parquet"


@pytest.fixture
def params(repository, tmp_path_factory, monkeypatch):
    """Give parameters that ask for a musicnn, in whose place is one of random weights."""
    folder = tmp_path_factory.mktemp("checkpoints")
    random_musicnn.write_checkpoint(folder / "MSD_musicnn", random_musicnn.draw_weights(1))
    monkeypatch.setattr(backbones, "checkpoint", lambda name: folder / name)
    program = feature_program("musicnn_msd")
    for module in (backbones, backbone_features):
        monkeypatch.setattr(module, "feature_program", lambda _: program)
    return tiny_project.params_of(repository, train={"backbone": "musicnn_msd"}, backbone={"retries": 0})


def test_features_are_made_where_they_are_missing(root, shas, params, repository):
    """Features come out as the stage's, to the byte; other tracks' stay, and this one's where a new try fails."""
    from soundatlas.stages import backbone, train

    tiny_project.start_project(root, repository, train={"backbone": "musicnn_msd"})
    backbone.run(root, params)
    train.run(root, params)
    shutil.rmtree(root / "mlruns")
    tiny_project.install_champion(root, root / "data/model")
    before = (root / FEATURES).read_bytes()
    remove_features(root / FEATURES, {shas[0]})
    rows = [{"path": path, "stage": "backbone", "reason": "timeout"} for path in ("data/audio/00.wav", "other.wav")]
    write_table(conform(pd.DataFrame(rows), FAILURES), root / FAILED)

    def chain() -> Chain:
        return Chain(root, params, Track(shas[0], ("data/audio/00.wav",), catalogued=True))

    assert chain().features().state == State.MISSING
    assert chain().features().why.startswith("failed before: timeout")
    made = make_steps(chain(), plan_steps(chain(), Wanted.PREDICTION, force=False))
    assert [each.step for each in made] == ["features", "prediction"]
    assert (root / FEATURES).read_bytes() == before
    assert pd.read_parquet(root / FAILED)["path"].tolist() == ["other.wav"]
    assert chain().answer.status == "classified"
    again = make_steps(chain(), plan_steps(chain(), Wanted.PREDICTION, force=True))
    assert [(each.step, each.same) for each in again] == [
        ("spectrogram", True),
        ("features", True),
        ("prediction", True),
    ]
    with open_audit(root, "test") as trail:
        told = [(each.step.name, each.by) for each in trail.of_audio(shas[0])]
    assert told.count(("features", "make")) == 2

    begun = chain()
    planned = plan_steps(begun, Wanted.PREDICTION, force=True)[2:]
    (root / "data/audio/00.wav").write_bytes(b"since it was looked at")
    with pytest.raises(TrackError, match="changed: "):
        make_steps(begun, planned)
    assert (root / FEATURES).read_bytes() == before
    assert pd.read_parquet(root / FAILED)["path"].tolist() == ["other.wav"]
    remove_features(root / FEATURES, {shas[0]})
    with pytest.raises(TrackError, match="changed: "):
        make_steps(begun, planned)
    assert set(read_features(root / FEATURES).shas) == set(shas[1:])
    assert sorted(pd.read_parquet(root / FAILED)["path"]) == ["data/audio/00.wav", "other.wav"]
