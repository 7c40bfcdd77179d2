"""The table of backbone features, without a backbone."""

from __future__ import annotations

import numpy as np

from soundatlas.learning.backbone_features import read_features, remove_features, write_features

CONTRACT = {"backbone": "musicnn_msd"}


def test_tracks_are_taken_out_and_the_others_stay(tmp_path):
    """What is left is what writing the others alone gives, byte for byte; unknown tracks change nothing."""
    path, rows = tmp_path / "features.safetensors", {sha: np.full(3, n, np.float32) for n, sha in enumerate("abc")}
    write_features(path, CONTRACT, rows, 3)
    assert remove_features(path, {"b", "unknown"}) == 1
    write_features(tmp_path / "others", CONTRACT, {sha: rows[sha] for sha in "ac"}, 3)
    assert path.read_bytes() == (tmp_path / "others").read_bytes()
    assert remove_features(path, {"b"}) == 0
    assert remove_features(path, {"a", "c"}) == 2
    assert read_features(path).features.shape == (0, 3)
