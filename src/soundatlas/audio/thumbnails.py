"""Small pictures of log-mels, made in bulk: numbers to colours by one table, without a figure.

A figure of matplotlib costs tens of milliseconds, these a fraction of one (`make bench-pictures`).
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from soundatlas.audio.spectrogram import FLOOR_DB

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLOURS = "magma"  # of matplotlib: even steps to the eye, also in grey
LEVELS = 256
DEPTH_DB = 70.0  # below the loudest cell is black
PNG_COMPRESSION = 6  # zlib's own default


@cache
def colour_table() -> NDArray[np.uint8]:
    """Return the colours from black to the brightest: uint8, shape (256, 3)."""
    from matplotlib import colormaps

    return np.asarray((colormaps[COLOURS](np.arange(LEVELS))[:, :3] * 255).round(), dtype=np.uint8)


def brightest_db(loudest_db: float) -> float:
    """Return the level of the brightest colour: the loudest cell's, but none so low that silence would not be black."""
    return max(loudest_db, FLOOR_DB + DEPTH_DB)


def thumbnail_levels(log_mel: NDArray[np.float32], *, columns: int, rows: int) -> NDArray[np.uint8]:
    """Shrink a log-mel to a picture: the maximum over time, so that a short stroke is seen, and the mean over bands.

    Args:
        log_mel: shape (frames, n_mels), dB.
        columns: at most, in pixels; a track of fewer frames has fewer.
        rows: at most, in pixels.

    Returns:
        uint8, shape (rows, columns): entries of `colour_table`, low bands at the bottom; what lies 70 dB below the
        loudest cell, and silence, is black.
    """
    starts, bands = _steps(log_mel.shape[0], columns), _steps(log_mel.shape[1], rows)
    cells = np.maximum.reduceat(log_mel, starts, axis=0)
    cells = np.add.reduceat(cells, bands, axis=1) / np.diff([*bands, log_mel.shape[1]])
    shares = ((cells - brightest_db(float(cells.max()))) / DEPTH_DB + 1).clip(0, 1).T[::-1]
    return np.asarray(np.minimum(shares * LEVELS, LEVELS - 1), dtype=np.uint8)


def thumbnail_png(levels: NDArray[np.uint8]) -> bytes:
    """Return a PNG of `thumbnail_levels`, with a palette of its colours; equal levels give equal bytes."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(levels))
    picture.putpalette(colour_table().tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=PNG_COMPRESSION)
    return file.getvalue()


def _steps(length: int, most: int) -> NDArray[np.int64]:
    """Return where at most so many parts of about equal length begin."""
    return np.linspace(0, length, min(length, most), endpoint=False).astype(np.int64)
