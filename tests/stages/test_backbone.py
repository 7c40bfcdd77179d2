"""Stage `backbone`: features of every track, only the missing ones computed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import random_musicnn
import tiny_project

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.errors import BackboneUnavailableError, StoreError, TooManyFailuresError
from soundatlas.learning import backbone as backbones
from soundatlas.learning import backbone_features
from soundatlas.learning.backbone import POOLED, FeatureExtractor, backbone_front_end, feature_program
from soundatlas.learning.backbone_features import read_features
from soundatlas.stages import backbone

FEATURES = "data/backbone/features.safetensors"


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> bytes:
    """Give the program of a musicnn of random weights."""
    folder = tmp_path_factory.mktemp("checkpoints")
    random_musicnn.write_checkpoint(folder / "MSD_musicnn", random_musicnn.draw_weights(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "checkpoint", lambda name: folder / name)
        return feature_program("musicnn_msd")


@pytest.fixture
def listening(repository, monkeypatch, program):
    """Give parameters that ask for features, which that program computes instead of the fetched one."""
    monkeypatch.setattr(backbone_features, "feature_program", lambda _: program)
    return tiny_project.params_of(repository, train={"backbone": "musicnn_msd"})


@pytest.fixture
def four(catalogued):
    """Give a project whose catalogue has four tracks."""
    path = catalogued / "data/catalog/tracks.parquet"
    pd.read_parquet(path).head(4).to_parquet(path, index=False)
    return catalogued


def test_every_track_has_its_features(four, listening, program, tiny_params) -> None:
    """The table holds, by audio hash, what the extractor hears in each file behind musicnn's own front end."""
    backbone.run(four, listening)
    table = read_features(four / FEATURES)
    tracks = pd.read_parquet(four / "data/catalog/tracks.parquet")
    assert set(table.shas) == set(tracks["audio_sha256"])
    front_end = backbone_front_end(tiny_params.spectrograms.min_seconds, tiny_params.spectrograms.max_seconds)
    first = tracks.iloc[0]
    expected = FeatureExtractor(program).track_features(analyse_file(four / first["path"], front_end).log_mel)
    np.testing.assert_array_equal(table.of([first["audio_sha256"]])[0], expected)
    assert sorted(path.name for path in (four / "data/backbone").iterdir()) == [
        "failures.parquet",
        "features.safetensors",
    ]


def test_only_new_tracks_are_computed(four, listening, capsys, monkeypatch) -> None:
    """A second run computes nothing and needs no network; a track that left the catalogue leaves the table."""
    backbone.run(four, listening)
    before = (four / FEATURES).read_bytes()
    monkeypatch.setattr(backbone_features, "feature_program", lambda _: pytest.fail("the network was asked for"))
    backbone.run(four, listening)
    assert (four / FEATURES).read_bytes() == before
    path = four / "data/catalog/tracks.parquet"
    pd.read_parquet(path).head(3).to_parquet(path, index=False)
    backbone.run(four, listening)
    assert capsys.readouterr().out.splitlines() == [
        "backbone: musicnn_msd: 4 computed, 0 kept, 0 removed, 0 failed",
        "backbone: musicnn_msd: 0 computed, 4 kept, 0 removed, 0 failed",
        "backbone: musicnn_msd: 0 computed, 3 kept, 1 removed, 0 failed",
    ]


def test_killed_run_goes_on(four, listening, monkeypatch, capsys) -> None:
    """What was written before a run ended is kept by the next."""
    write = backbone_features.write_features

    def write_and_end(*arguments) -> None:
        write(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backbone_features, "TRACKS_BETWEEN_WRITES", 3)
        patch.setattr(backbone_features, "write_features", write_and_end)
        with pytest.raises(KeyboardInterrupt):
            backbone.run(four, listening)
    assert len(read_features(four / FEATURES).shas) == 3
    backbone.run(four, listening)
    assert capsys.readouterr().out == "backbone: musicnn_msd: 1 computed, 3 kept, 0 removed, 0 failed\n"


def test_bad_track_is_a_row(four, listening, repository) -> None:
    """One file that changed is a row with its reason; above the limit the stage fails with counts."""
    tracks = pd.read_parquet(four / "data/catalog/tracks.parquet")
    (four / tracks["path"].iloc[1]).write_bytes(b"other bytes")
    with pytest.raises(TooManyFailuresError, match=r"1 of 4 tracks failed \(1 changed\).*backbone\.max_failure_rate"):
        backbone.run(four, listening)
    failures = pd.read_parquet(four / "data/backbone/failures.parquet")
    assert failures[["path", "stage", "reason"]].to_numpy().tolist() == [
        [tracks["path"].iloc[1], "backbone", "changed"]
    ]
    patient = {"backbone": {"max_failure_rate": 0.25}, "train": {"backbone": "fusion"}}
    backbone.run(four, tiny_project.params_of(repository, **patient))
    table = read_features(four / FEATURES)
    assert len(table.shas) == 3
    with pytest.raises(StoreError, match="1 tracks have no backbone features"):
        table.of(list(tracks["audio_sha256"]))


def test_damaged_table_is_computed_anew(four, listening) -> None:
    """A cut file is said to be damaged by its reader, and replaced by the stage."""
    backbone.run(four, listening)
    before = (four / FEATURES).read_bytes()
    (four / FEATURES).write_bytes(before[:-50])
    with pytest.raises(StoreError, match="delete it and run `dvc repro backbone`"):
        read_features(four / FEATURES)
    backbone.run(four, listening)
    assert (four / FEATURES).read_bytes() == before


def test_without_weights_the_stage_says_so(four, repository, monkeypatch, tmp_path) -> None:
    """Offline with an empty cache there is one line that says how to do without; nothing is left behind."""
    for name, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOUNDATLAS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BackboneUnavailableError, match=r"set train\.backbone to none$"):
        backbone.run(four, tiny_project.params_of(repository, train={"backbone": "musicnn_mtt"}))
    assert list((four / "data/backbone").iterdir()) == []


def test_none_is_an_empty_table_without_tensorflow(four) -> None:
    """With `train.backbone: none` the table is empty, and neither TensorFlow nor librosa is imported."""
    code = (
        "import sys; from pathlib import Path; from soundatlas.params import load_params\n"
        "from soundatlas.stages import backbone\n"
        "backbone.run(Path.cwd(), load_params(Path('params.yaml')))\n"
        "sys.exit(' '.join({'tensorflow', 'keras', 'librosa', 'sklearn'} & set(sys.modules)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=four, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "backbone: none: 0 computed, 0 kept, 0 removed, 0 failed\n"
    table = read_features(four / FEATURES)
    assert (table.shas, table.features.shape, table.contract["backbone"]) == ((), (0, 0), "none")


def test_features_of_another_backbone_are_not_mixed(four, listening, tiny_params, capsys) -> None:
    """A table of another contract is not gone on from."""
    backbone.run(four, listening)
    backbone.run(four, tiny_params)
    assert read_features(four / FEATURES).features.size == 0
    backbone.run(four, listening)
    assert read_features(four / FEATURES).features.shape == (4, POOLED)
    assert "4 computed, 0 kept" in capsys.readouterr().out.splitlines()[-1]
