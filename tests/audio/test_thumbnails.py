"""Small pictures of log-mels."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from soundatlas.audio.spectrogram import FLOOR_DB
from soundatlas.audio.thumbnails import COLOURS, DEPTH_DB, colour_table, thumbnail_levels, thumbnail_png


def test_colours_are_matplotlibs():
    """A level looked up in the table has the colour that matplotlib's map gives for its share of the range."""
    shares = np.linspace(0, 1, 1_001)
    expected = (colormaps[COLOURS](shares)[:, :3] * 255).round().astype(np.uint8)
    log_mel = ((shares - 1) * DEPTH_DB)[:, None].repeat(2, axis=1)
    levels = thumbnail_levels(log_mel, columns=len(shares), rows=2)
    assert levels.shape == (2, len(shares))
    different = (colour_table()[levels[0]] != expected).any(axis=1)
    assert different.mean() < 0.01  # on the edge between two levels, rounding decides


def test_strokes_are_seen_and_bands_are_averaged():
    """One loud frame among 5,000 is a bright column; low bands lie at the bottom; what is 70 dB softer is black."""
    log_mel = np.full((5_000, 128), -90, np.float32)
    log_mel[2_500, :32] = -10
    levels = thumbnail_levels(log_mel, columns=100, rows=32)
    assert levels.shape == (32, 100)
    assert (levels[-8:, 50] == 255).all()
    assert levels.sum() == 8 * 255


@pytest.mark.parametrize("loudest_db", [FLOOR_DB, FLOOR_DB + 1.0, -60.0])
def test_silence_is_black(loudest_db):
    """A track without a sound is black, not bright; in a track that is next to silent, what is silent stays black."""
    log_mel = np.full((50, 32), FLOOR_DB, np.float32)
    log_mel[:10] = loudest_db
    levels = thumbnail_levels(log_mel, columns=50, rows=32)
    assert (levels[:, 10:] == 0).all()
    share = (loudest_db - FLOOR_DB) / DEPTH_DB
    assert levels[:, :10].max() == int(share * 256)


def test_png_has_those_colours_and_equal_bytes():
    """A decoded PNG shows each level in its colour, and is the same file each time."""
    levels = np.random.default_rng(1).integers(0, 256, (48, 128)).astype(np.uint8)
    png = thumbnail_png(levels)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), colour_table()[levels])
    assert thumbnail_png(levels.copy()) == png


@pytest.mark.parametrize("shape", [(1, 16), (3, 1), (200, 40)])
def test_short_and_narrow_tracks_have_a_picture(shape):
    """A track of one frame or one band is drawn as it is."""
    levels = thumbnail_levels(np.zeros(shape, np.float32), columns=128, rows=48)
    assert levels.shape == (min(shape[1], 48), min(shape[0], 128))
    assert Image.open(io.BytesIO(thumbnail_png(levels))).size == levels.shape[::-1]


def test_thumbnails_need_no_pyplot():
    """Drawing one leaves pyplot, and with it its global state, unimported."""
    code = (
        "import sys, numpy as np; from soundatlas.audio.thumbnails import *\n"
        "thumbnail_png(thumbnail_levels(np.zeros((9, 9), 'f4'), columns=9, rows=9))\n"
        "sys.exit('pyplot' if 'matplotlib.pyplot' in sys.modules else None)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
