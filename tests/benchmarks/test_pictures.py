"""The benchmark of thumbnails: that the ways draw the same, and how the figures are told."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from benchmarks.pictures import COLUMNS, ROWS, WAYS, draw_ours, draw_with_pyplot, measure, report


@pytest.fixture(autouse=True)
def _without_a_window():
    mpl.use("Agg")


def test_both_thumbnails_show_the_same():
    """Of a track that is as large as the picture, ours and pyplot's differ by no more than a shade."""
    log_mel = np.random.default_rng(1).normal(-40, 15, (COLUMNS, ROWS)).astype(np.float32)
    ours, theirs = (
        np.asarray(Image.open(io.BytesIO(draw(log_mel))).convert("RGB"), dtype=int)
        for draw in (draw_ours, draw_with_pyplot)
    )
    assert ours.shape == theirs.shape == (ROWS, COLUMNS, 3)
    assert np.abs(ours - theirs).max() <= 8


def test_every_way_takes_its_turn():
    """Each way is timed once per repeat, and each draws a PNG."""
    log_mel = np.zeros((20, 8), np.float32)
    log_mel[5] = 10
    seconds = measure([log_mel], repeats=2)
    assert {way: len(each) for way, each in seconds.items()} == dict.fromkeys(WAYS, 2)
    assert all(draw(log_mel).startswith(b"\x89PNG") for draw in WAYS.values())


def test_ratios_are_of_the_same_round():
    """A line says milliseconds a picture and the median ratio to ours, round by round."""
    told = report({"soundatlas": [0.1, 0.2, 0.1], "pyplot": [2.0, 2.0, 3.0]}, pictures=100).splitlines()
    assert told[0] == "soundatlas    1.00 ms a picture      1.0 x soundatlas [1.0, 1.0]"
    assert told[1] == "pyplot       20.00 ms a picture     20.0 x soundatlas [10.0, 30.0]"
