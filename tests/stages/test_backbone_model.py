"""A model with a backbone, from the features to new music."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import random_musicnn
import tiny_project

from soundatlas.audio.stems import analyse
from soundatlas.errors import StoreError
from soundatlas.files import read_json
from soundatlas.learning import backbone as backbones
from soundatlas.learning import backbone_features
from soundatlas.learning.backbone import feature_program
from soundatlas.learning.explanation import Patches, flattened, occlusion
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.listening import Listener
from soundatlas.stages import backbone, evaluate, repeats, train
from soundatlas.stages._inputs import open_inputs


@pytest.fixture
def _random_weights(tmp_path_factory, monkeypatch) -> None:
    """Put a musicnn of random weights in the place of the fetched one."""
    folder = tmp_path_factory.mktemp("checkpoints")
    random_musicnn.write_checkpoint(folder / "MSD_musicnn", random_musicnn.draw_weights(1))
    monkeypatch.setattr(backbones, "checkpoint", lambda name: folder / name)
    program = feature_program("musicnn_msd")
    monkeypatch.setattr(backbones, "feature_program", lambda _: program)
    monkeypatch.setattr(backbone_features, "feature_program", lambda _: program)


@pytest.mark.usefixtures("_random_weights")
@pytest.mark.parametrize(
    ("setting", "parts"), [("musicnn_msd", {"backbone"}), ("fusion", {"network", "statistics", "backbone"})]
)
def test_model_hears_catalogue_and_files_alike(catalogued, repository, setting, parts) -> None:
    """Trained, evaluated and loaded again, it says the same of a stored track and of its file, a patch less too."""
    params = tiny_project.params_of(repository, train={"backbone": setting})
    backbone.run(catalogued, params)
    train.run(catalogued, params)
    repeats.run(catalogued, params)
    evaluate.run(catalogued, params)
    assert read_json(catalogued / "data/evaluation/metrics.json")["classes"]["artist"]["tracks"] == 4
    bundle, inputs = Bundle(catalogued / "data/model"), open_inputs(catalogued, params)
    assert set(bundle.front_ends) == parts
    assert bundle.reads(inputs)
    track = pd.read_parquet(catalogued / "data/catalog/tracks.parquet").iloc[0]
    stored = bundle.classify_stored(inputs, track["audio_sha256"])
    heard = bundle.classify_file(catalogued / track["path"])
    for head, classes in stored.probabilities.items():
        assert heard.probabilities[head] == pytest.approx(classes, abs=1e-3)
    assert heard.embedding == pytest.approx(stored.embedding, abs=1e-3)
    assert np.linalg.norm(heard.embedding) == pytest.approx(1.0, abs=1e-5)
    _check_patches(bundle, catalogued / track["path"])


def _check_patches(bundle, path) -> None:
    """Compare what two patches are worth with classifying the track without them, whatever front ends hear it."""
    listener = Listener(bundle)
    log_mels = bundle.analyse(lambda front_end: analyse(path, front_end).log_mel)
    ear = listener.ears[0]
    shown = ear.front_end.mix
    grids = listener.grids(Patches.over(range(len(log_mels[ear.part])), shown.n_mels, 30, shown.n_mels // 2))
    for part, grid in grids.items():
        heard = bundle.front_ends[part].mix
        assert len(grid.frames) == len(grids[ear.part].frames)
        edges = grid.frames / heard.frames_per_second
        assert edges == pytest.approx(grids[ear.part].frames / shown.frames_per_second, abs=1 / heard.frames_per_second)
        low, high = heard.band_hertz()[grid.bands[1] - 1 : grid.bands[1] + 1]
        assert low < shown.band_hertz()[shown.n_mels // 2]
        assert high > shown.band_hertz()[shown.n_mels // 2 - 1]
    drops = occlusion(log_mels, grids, listener.logits, {"artist": 0})["artist"]
    name = bundle.space.classes["artist"][0]
    before = bundle.classify_log_mels(log_mels).probabilities["artist"][name]
    for patch in np.ndindex(drops.shape):
        after = bundle.classify_log_mels(flattened(log_mels, grids, patch)).probabilities["artist"][name]
        assert drops[patch] == pytest.approx(np.log(before / after), abs=1e-4)


@pytest.mark.usefixtures("_random_weights")
def test_features_of_another_backbone_are_refused(catalogued, repository) -> None:
    """A project that changed its backbone and did not compute the features anew is told what to run."""
    backbone.run(catalogued, tiny_project.params_of(repository, train={"backbone": "musicnn_msd"}))
    with pytest.raises(StoreError, match="dvc repro backbone"):
        open_inputs(catalogued, tiny_project.params_of(repository, train={"backbone": "musicnn_mtt"}))
