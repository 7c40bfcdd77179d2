"""How a model listens, compared with what it says of whole tracks."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_project

from soundatlas.audio.stems import analyse
from soundatlas.learning.explanation import Patches, flattened, occlusion
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.listening import Ear, Listener


@pytest.mark.parametrize("kind", ["model", "blended_model"])
@pytest.mark.parametrize("seconds", [2.0, 0.4])
def test_patch_is_worth_what_the_model_loses_without_it(request, tmp_path, kind, seconds):
    """A patch's figure is the drop of log-probability when the track is classified without it; below a window, too."""
    tiny_project.write_clip(tmp_path / "clip.wav", 3, seconds=seconds)
    bundle = Bundle(request.getfixturevalue(kind))
    log_mels = bundle.analyse(lambda front_end: analyse(tmp_path / "clip.wav", front_end).log_mel)
    listener = Listener(bundle)
    grids = listener.grids(Patches.over(range(len(log_mels["network"])), 16, 13, 4))
    drops = occlusion(log_mels, grids, listener.logits, {"genre": 1, "artist": 2})
    before = bundle.classify_log_mels(log_mels).probabilities
    for patch in np.ndindex(drops["genre"].shape):
        after = bundle.classify_log_mels(flattened(log_mels, grids, patch)).probabilities
        for head, name in (("genre", "reel"), ("artist", "clara")):
            assert drops[head][patch] == pytest.approx(np.log(before[head][name] / after[head][name]), abs=1e-4)
    assert np.abs(drops["genre"]).max() > 1e-3


def test_shares_are_of_calibrated_parts(blended_model):
    """A part's share is its factor times its temperature, as the blend is a product of calibrated probabilities."""
    listener = Listener(Bundle(blended_model))
    expected = {"network": 0.3 * 1.5, "statistics": 0.6 * 2.0}
    assert listener.weights["artist"] == pytest.approx(expected)
    assert listener.shares("artist") == pytest.approx({part: value / 1.65 for part, value in expected.items()})


def test_windows_are_those_of_the_classification(model):
    """A model without a backbone has one ear, whose windows start half a window apart and end with the track."""
    (ear,) = Ear.all_of(Bundle(model))
    frames = ear.window_frames * 2 + 3
    assert ear.starts(frames).tolist() == [
        0,
        *range(ear.hop_frames, frames - ear.window_frames, ear.hop_frames),
        frames - ear.window_frames,
    ]
    assert ear.windows(np.zeros((frames, 16), np.float32)).shape[:2] == (len(ear.starts(frames)), ear.window_frames)
