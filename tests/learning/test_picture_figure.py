"""The pictures of a track."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from soundatlas.audio.spectrogram import FLOOR_DB
from soundatlas.learning.lettering import DPI
from soundatlas.learning.picture_figure import HEADINGS, KINDS, Picture, draw_picture
from soundatlas.learning.spectrogram_axes import save_png

BAND_HERTZ = np.geomspace(50, 7500, 24)


def picture(title: str = "A song", kinds=KINDS) -> Picture:
    """Return five log-mels of 40 frames, each 10 dB softer than the one before."""
    shape = (40, len(BAND_HERTZ))
    noise = np.random.default_rng(1).normal(-20, 5, shape)
    return Picture(title, {kind: noise - 10 * place for place, kind in enumerate(kinds)}, BAND_HERTZ, 0.25, 10.0, 3.0)


def test_every_kind_has_axes_in_seconds_and_hertz() -> None:
    """Each panel says what it shows, over the seconds of the track and the hertz of the mel scale; one bar says dB."""
    figure = draw_picture(picture())
    *panels, bar = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == [*HEADINGS.values()]
    assert all(axes.get_xlim() == (10.0, 20.0) for axes in panels)
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["125", "500", "1k", "2k", "4k"]
    assert panels[-1].get_xlabel() == "seconds"
    assert bar.get_ylabel() == "dB"


def test_all_panels_share_their_colours() -> None:
    """What is softer looks darker: the range ends with the loudest cell, also where that is in another picture."""
    images = [axes.images[0] for axes in draw_picture(picture()).axes[: len(KINDS)]]
    assert {image.get_clim() for image in images} == {(3.0 - 70.0, 3.0)}


def test_silence_is_black() -> None:
    """A stretch in which nothing sounds has the darkest colour in every panel."""
    silence = np.full((40, len(BAND_HERTZ)), FLOOR_DB, np.float32)
    figure = draw_picture(Picture("Tacet", dict.fromkeys(KINDS, silence), BAND_HERTZ, 0.25, 0.0, FLOOR_DB))
    images = [axes.images[0] for axes in figure.axes[: len(KINDS)]]
    assert all((image.norm(image.get_array()) == 0).all() for image in images)


@pytest.mark.parametrize("title", ["$\\frac{$", "a\nb\x1b[31m", "\u1abe \u0f0b 雪 \udcff", "$" * 400, "", "x y " * 300])
def test_any_title_is_drawn_as_text(title, tmp_path) -> None:
    """No name is set as a formula, breaks the line, or stops the drawing, whatever letters it has."""
    figure = draw_picture(picture(title, kinds=KINDS[:1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_png(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert "\n" not in figure.get_suptitle()


@pytest.mark.parametrize("letter", ["W", "i"])
def test_titles_end_where_the_picture_ends(letter) -> None:
    """A long title fills the width of the picture, and no more, whatever its letters."""
    figure = draw_picture(picture(letter * 400, kinds=KINDS[:1]))
    figure.set_dpi(DPI)
    FigureCanvasAgg(figure).draw()
    (title,) = (text for text in figure.texts if text.get_text() == figure.get_suptitle())
    assert 0.9 < title.get_window_extent().x1 / figure.bbox.width <= 1
