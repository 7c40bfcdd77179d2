"""The picture of an explanation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from soundatlas.audio.spectrogram import FLOOR_DB
from soundatlas.learning.explanation import Patches
from soundatlas.learning.explanation_figure import Panel, Scene, draw_explanation, write_explanation

HOSTILE = "Cash $x^2$ & $\\frac{1}{0}$\n<b>[bold]\x1b 音"


def _scene(title="A piece", frames=100):
    log_mel = np.random.default_rng(1).normal(-30, 10, (frames, 32)).astype(np.float32)
    patches = Patches.over(range(200, 200 + frames), 32, 10, 8)
    return Scene(title, log_mel, np.linspace(20, 7900, 32), 0.02, "network", np.array([4.5, 5.0, 5.5]), patches)


def _panel(scene, head="genre", names=("reel", "waltz", "air", "chorale"), drop=1.0):
    probabilities = np.full((3, len(names)), 1 / len(names))
    drops = np.zeros(scene.patches.shape)
    drops[-1, 1] = drop
    shares = {"network": 0.25, "statistics": 0.75}
    return Panel(head, tuple(names), probabilities[0], probabilities, shares, drops, np.array([0.1, -0.3, drop, 0.0]))


def test_axes_say_what_they_are():
    """Seconds of the track, hertz, class names, the colours, whose probabilities, and the strongest row are written."""
    scene = _scene()
    figure = draw_explanation(scene, [_panel(scene), _panel(scene, "artist", ("anna", "bela"))])
    drawn = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(drawn) == 5
    assert drawn[-1].get_xlabel() == "seconds"
    assert drawn[-1].get_xlim() == pytest.approx((4.0, 6.0))
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == ["125", "500", "1k", "2k", "4k"]
    titles = [axes.get_title("left") for axes in drawn]
    assert titles[1] == "Genre, over time"
    assert "“reel”" in titles[2]
    assert "red" in titles[2]
    assert "blue" in titles[2]
    assert "without 4087-5866 Hz throughout, 2.72 times less likely" in titles[2]
    assert drawn[1].get_ylabel() == "probability,\nnetwork alone\n(weight 25%)"
    assert [text.get_text() for text in drawn[1].get_legend().get_texts()] == ["reel 25%", "waltz 25%", "air 25%"]


def test_silence_is_black():
    """Where nothing sounds, the spectrogram has its darkest colour, and the maps lie over white."""
    scene = replace(_scene(), log_mel=np.full((100, 32), FLOOR_DB, np.float32))
    drawn = draw_explanation(scene, [_panel(scene)]).axes
    for image in (drawn[0].images[0], drawn[2].images[0]):
        assert (image.norm(image.get_array()) == 0).all()


@pytest.mark.parametrize("drop", [0.0, 2.0, -3.0])
def test_picture_is_written_whatever_the_text(tmp_path, drop):
    """Dollars, control characters and other scripts are drawn as text; equal explanations give equal bytes."""
    scene = _scene(HOSTILE)
    panels = [_panel(scene, HOSTILE, (HOSTILE, "b"), drop)]
    for name in ("one.png", "other.png"):
        write_explanation(tmp_path / name, scene, panels)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert imread(tmp_path / "one.png").shape[0] > 300


def test_short_track_has_a_picture(tmp_path):
    """A track of one frame and one window can be drawn."""
    scene = _scene(frames=1)
    panel = _panel(scene, names=("a", "b"))
    write_explanation(tmp_path / "short.png", scene, [panel])
    assert (tmp_path / "short.png").stat().st_size > 0
