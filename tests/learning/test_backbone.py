"""Backbones: what `train.backbone` asks for, and the features of a track."""

from __future__ import annotations

import numpy as np
import pytest
import random_musicnn

from soundatlas.audio.windows import cut_windows
from soundatlas.errors import BackboneUnavailableError
from soundatlas.learning import backbone
from soundatlas.learning.backbone import (
    BACKBONES,
    HOP_FRAMES,
    POOLED,
    FeatureExtractor,
    backbone_front_end,
    backbone_network,
    backbone_of,
    feature_contract,
    feature_program,
    feature_size,
)
from soundatlas.learning.backbone_features import FAILURES_NAME, FEATURES_NAME
from soundatlas.learning.musicnn import N_MELS, WINDOW_FRAMES
from soundatlas.params import TrainParams


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Give a folder with two checkpoints of random weights, named like the real ones."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for seed, name in enumerate(("MSD_musicnn", "MTT_musicnn")):
        random_musicnn.write_checkpoint(folder / name, random_musicnn.draw_weights(seed))
    return folder


@pytest.fixture
def _random_weights(checkpoints, monkeypatch) -> None:
    """Let the network's weights come from there."""
    monkeypatch.setattr(backbone, "checkpoint", lambda name: checkpoints / name)


def _log_mel(frames: int) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-90, 10, (frames, N_MELS)).astype(np.float32)


def test_every_setting_has_a_backbone() -> None:
    """Each value of `train.backbone` is none, a backbone, or the fusion, which listens with the first one."""
    settings = TrainParams.model_fields["backbone"].annotation.__args__
    assert {backbone_of(setting) for setting in settings} == {"none", *BACKBONES}
    assert backbone_of("fusion") == "musicnn_msd"
    assert [feature_size(name) for name in ("none", "musicnn_msd", "musicnn")] == [0, POOLED, 2 * POOLED]


def test_front_end_is_the_one_that_musicnn_was_trained_behind() -> None:
    """A window of its bands and frames is three seconds; what is fixed is librosa's power mel against 1.0."""
    front_end = backbone_front_end(1.0, 60.0)
    assert (front_end.frames(3.0), front_end.n_mels) == (backbone.WINDOW_FRAMES + 1, N_MELS)
    assert (front_end.sample_rate, front_end.n_fft, front_end.hop_length) == (16_000, 512, 256)
    assert backbone.WINDOW_FRAMES == WINDOW_FRAMES


def test_contract_tells_what_shapes_the_features() -> None:
    """Other weights or another front end are another contract; file names of results are distinct."""
    front_end = backbone_front_end(1.0, 60.0)
    contracts = [feature_contract(name, front_end) for name in BACKBONES]
    contracts.append(feature_contract("musicnn", backbone_front_end(1.0, 30.0)))
    assert all(one != two for position, one in enumerate(contracts) for two in contracts[:position])
    assert FEATURES_NAME != FAILURES_NAME


@pytest.mark.usefixtures("_random_weights")
def test_both_stand_side_by_side() -> None:
    """The features of `musicnn` are those of the one checkpoint, then those of the other."""
    windows = cut_windows(_log_mel(WINDOW_FRAMES), WINDOW_FRAMES, HOP_FRAMES)
    parts = [backbone_network(name)(windows, training=False)["pooled"] for name in ("musicnn_msd", "musicnn_mtt")]
    both = backbone_network("musicnn")(windows, training=False)["pooled"]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1), atol=1e-4)


@pytest.mark.usefixtures("_random_weights")
def test_program_gives_the_networks_numbers() -> None:
    """A track's features by LiteRT are the mean over its half-overlapping windows of what Keras gives for each.

    A track shorter than a window is repeated to fill one.
    """
    network = backbone_network("musicnn_mtt")
    extractor = FeatureExtractor(feature_program("musicnn_mtt"))
    for frames, count in ((WINDOW_FRAMES + HOP_FRAMES, 2), (50, 1)):
        windows = cut_windows(_log_mel(frames), WINDOW_FRAMES, HOP_FRAMES)
        assert len(windows) == count
        found = extractor.track_features(_log_mel(frames))
        assert (found.shape, found.dtype) == ((POOLED,), np.float32)
        np.testing.assert_allclose(found, network(windows, training=False)["pooled"].numpy().mean(axis=0), atol=1e-4)


def test_missing_weights_are_one_line(monkeypatch, tmp_path) -> None:
    """Without network and cache, the fault of the weights is what a caller sees."""
    for name, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOUNDATLAS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BackboneUnavailableError, match=r"set train\.backbone to none$"):
        feature_program("musicnn_msd")
