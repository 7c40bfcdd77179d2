"""What a prediction rests on, asked of models whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.explanation import (
    Patches,
    Rehearing,
    flattened,
    most_telling_stretch,
    nearest,
    occlusion,
    window_probabilities,
)

FRAMES, BANDS = 60, 16
RNG = np.random.default_rng(3)
QUIET = RNG.normal(-60, 1, (FRAMES, BANDS)).astype(np.float32)


def _with_event(first, last, low, high, level=0.0):
    """Return a quiet spectrogram in which something loud happens, and fades."""
    log_mel = QUIET.copy()
    log_mel[first:last, low:high] = level
    return log_mel


def _listening_to(low, high, sign=1.0):
    """Make a model of two classes whose second one is as likely as the loudest moment of some bands is loud."""

    def logits(log_mels):
        loudest = log_mels["ear"][:, low:high].mean(axis=1).max()
        return {"head": np.array([0, sign * (loudest + 30) / 10], np.float32)}

    return logits


def _occlude(log_mel, logits, *, patch_frames=5, patch_bands=4, advance=lambda _steps: None):
    patches = Patches.over(range(len(log_mel)), BANDS, patch_frames, patch_bands)
    return occlusion({"ear": log_mel}, {"ear": patches}, logits, {"head": 1}, advance)["head"], patches


def test_what_the_model_listens_to_lights_up():
    """The patch with the only sound that the model hears has by far the largest drop; the others have none."""
    drops, patches = _occlude(_with_event(30, 35, 8, 12), _listening_to(8, 12))
    assert patches.shape == (12, 4)
    assert np.unravel_index(drops.argmax(), drops.shape) == (6, 2)
    assert drops[6, 2] > 1
    others = drops.copy()
    others[6, 2] = 0
    assert np.abs(others).max() < 0.3


def test_channels_are_flattened_together():
    """Of a mix with a stem beside it, what happens in a patch is gone from both: a model of the stem notices."""
    mix = _with_event(30, 35, 8, 12)
    both = np.stack([mix, mix - 20], axis=-1)
    alone, patches = _occlude(mix - 20, _listening_to(8, 12))
    drops, same = _occlude(both, lambda heard: _listening_to(8, 12)({"ear": heard["ear"][..., 1]}))
    assert same.shape == patches.shape
    np.testing.assert_allclose(drops, alone, atol=1e-4)


def test_what_speaks_against_is_negative():
    """A sound that makes the class less likely has a negative drop."""
    drops, _ = _occlude(_with_event(30, 35, 8, 12), _listening_to(8, 12, sign=-1.0))
    assert np.unravel_index(drops.argmin(), drops.shape) == (6, 2)
    assert drops[6, 2] < -1


def test_steady_sound_is_no_event():
    """Where nothing changes, flattening changes nothing: the level stays."""
    drops, _ = _occlude(np.full((FRAMES, BANDS), -20.0, np.float32), _listening_to(0, 16))
    assert np.abs(drops).max() < 1e-5


def test_deaf_model_has_no_reasons():
    """A model that says the same of everything rests on nothing."""
    drops, _ = _occlude(_with_event(0, 5, 0, 4), lambda _: {"head": np.zeros(2, np.float32)})
    assert (drops == 0).all()


def test_every_patch_is_counted():
    """The progress reaches the number of patches; those that do not divide the track evenly are judged as well."""
    steps = []
    drops, patches = _occlude(_with_event(0, 5, 0, 4), _listening_to(0, 4), patch_frames=7, advance=steps.append)
    assert sum(steps) == drops.size == patches.shape[0] * patches.shape[1]
    assert np.isfinite(drops).all()


def test_patch_takes_the_level_around_it_and_nothing_else_changes():
    """Each spectrogram has its own cells of the patch filled with the mean of them and their neighbours."""
    log_mels = {"ear": _with_event(30, 35, 8, 12), "other": np.repeat(_with_event(30, 35, 8, 12), 2, axis=0)}
    grids = {"ear": Patches.over(range(20, 50), BANDS, 5, 4), "other": Patches.over(range(40, 100), BANDS, 10, 4)}
    before = {part: log_mel.copy() for part, log_mel in log_mels.items()}
    found = flattened(log_mels, grids, (2, 2))
    for part, times in (("ear", 1), ("other", 2)):
        inside = np.zeros(log_mels[part].shape, bool)
        inside[30 * times : 35 * times, 8:12] = True
        around = log_mels[part][25 * times : 40 * times, 4:16].mean()
        assert found[part][inside] == pytest.approx(np.full(inside.sum(), around), abs=1e-3)
        np.testing.assert_array_equal(found[part][~inside], log_mels[part][~inside])
        np.testing.assert_array_equal(log_mels[part], before[part])


def test_only_altered_windows_are_heard_again():
    """A version of a track gets what hearing all its windows would give, and only those that differ are heard."""
    heard = []

    def logits(windows):
        heard.append(len(windows))
        return {"head": windows.sum(axis=2)}

    rehearing, first = Rehearing(logits), RNG.normal(size=(6, 3, 4)).astype(np.float32)
    other = first.copy()
    other[[1, 4], 2] = 7
    for windows in (first, other, first):
        np.testing.assert_array_equal(rehearing(windows)["head"], windows.sum(axis=2))
    assert heard == [6, 2]


@pytest.mark.parametrize(("size", "step", "pieces"), [(60, 5, 12), (62, 5, 12), (63, 5, 13), (3, 5, 1), (1, 50, 1)])
def test_patches_cover_all_and_are_alike(size, step, pieces):
    """Patches leave nothing out, do not overlap, and differ by at most one cell."""
    edges = Patches.over(range(100, 100 + size), 8, step, 4).frames
    assert (edges[0], edges[-1], len(edges)) == (100, 100 + size, pieces + 1)
    assert np.ptp(np.diff(edges)) <= 1


def test_probabilities_of_a_window_sum_to_one():
    """Logits of any size become probabilities, without overflow."""
    logits = {"head": np.array([[0, 0], [1000, -1000], [3, 1]], np.float32)}
    probabilities = window_probabilities(logits)["head"]
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
    assert probabilities[:, 0] == pytest.approx([0.5, 1.0, 0.8808], abs=1e-4)


def test_long_track_is_looked_at_where_it_tells_most():
    """The stretch with the highest mean support is chosen, and a short track is taken whole."""
    starts = np.arange(0, 100, 10)
    support = np.array([0, 0, 0, 0, 1, 1, 1, 0, 0, 0.5])
    assert most_telling_stretch(support, starts, 110, 30) == 40
    assert most_telling_stretch(support, starts, 30, 30) == 0
    assert most_telling_stretch(np.ones(10), starts, 110, 30) == 0


def test_nearest_are_those_in_the_same_direction():
    """Direction from the middle counts, not length; the most similar come first, at most as many as asked for."""
    others = np.array([[1, 0], [0, 2], [-3, 0], [0, -2]], np.float32) + 100
    found = nearest(np.array([109, 103], np.float32), others, 2)
    assert [position for position, _ in found] == [0, 1]
    assert found[0][1] > found[1][1] > 0
    assert nearest(np.zeros(2, np.float32), np.zeros((1, 2), np.float32), 3) == [(0, 0.0)]
