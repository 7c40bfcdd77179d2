"""Text in figures."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.image import imread

from soundatlas.learning.lettering import DPI, FALLBACK_FONTS, fitted_lines, fitted_text, font_of, plain_text
from soundatlas.learning.spectrogram_axes import save_png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FONT = font_of(9, "bold")
WIDTH = 150  # pixels
POINTS_PER_INCH = 72
HIEROGLYPH = "\N{EGYPTIAN HIEROGLYPH A001}"  # in no font of ours but the last
NAMES = ["W" * 40, "i" * 400, "\u96ea\u306e\u964d\u308b\u753a" * 9, "$a$ " * 20, "word " * 90, "\u1abe\udcff\x1b" * 30]


def drawn_width(text: str) -> float:
    """Return how many pixels wide a text is drawn."""
    figure = Figure(dpi=DPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extent = figure.text(0, 0, text, fontproperties=FONT).get_window_extent(FigureCanvasAgg(figure).get_renderer())
    return float(extent.width)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_cut_where_it_would_not_fit(name) -> None:
    """Whatever its letters, a long text fills the width and not more; what is cut off is an ellipsis; nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = fitted_text(name, WIDTH, FONT)
    assert shown.endswith("…")
    assert WIDTH * 0.8 < drawn_width(shown) <= WIDTH


def test_narrow_letters_leave_room_for_more_of_them() -> None:
    """What counts is the width, not the number of letters."""
    assert fitted_text("i" * 28, WIDTH, FONT) == "i" * 28
    assert len(fitted_text("W" * 28, WIDTH, FONT)) < 14


@pytest.mark.parametrize(("text", "shown"), [("air", "air"), ("", ""), (" a\n\tb ", "a b"), ("$x$", r"\$x\$")])
def test_text_that_fits_is_whole(text, shown) -> None:
    """Short text stands as it is, in one line, and no part of it is set as a formula."""
    assert fitted_text(text, WIDTH, FONT) == shown


def test_control_characters_are_seen() -> None:
    """What cannot be printed is a replacement character."""
    assert plain_text("a\x1b[31m\nb") == "a\ufffd[31m\ufffdb"


def test_lines_break_between_words() -> None:
    """A name of several words takes the lines that it needs, each as full as it can be."""
    assert fitted_lines("air", WIDTH, 3, FONT) == ["air"]
    assert fitted_lines("medieval polyphony of Italy", WIDTH, 3, FONT) == ["medieval", "polyphony of Italy"]


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_no_wider_and_no_more_than_allowed(name) -> None:
    """Words that are wider than a line are broken; only of what does not fit into the last line is something cut."""
    lines = fitted_lines(name, WIDTH, 3, FONT)
    assert len(lines) == 3
    assert max(map(drawn_width, lines)) <= WIDTH
    assert lines[-1].endswith("…")
    assert fitted_lines("W" * 20, WIDTH, 3, FONT)[1].strip("W") == ""


@pytest.fixture
def machine_with_a_font(tmp_path) -> Iterator[Path]:
    """Give matplotlib a font that it did not know, of a name that we look for, whose one letter is a full square."""
    name = next(name for name in FALLBACK_FONTS if name not in {font.name for font in fontManager.ttflist})
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(HIEROGLYPH): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "a.ttf")
    before = [*fontManager.ttflist]
    fontManager.addfont(tmp_path / "a.ttf")
    yield tmp_path
    fontManager.ttflist[:] = before


def ink_of(text: str, points: float) -> int:
    """Return how many pixels of a picture with a text are black."""
    figure = Figure(figsize=(2, 2))
    figure.text(0.2, 0.2, text, fontsize=points, fontweight="bold")
    file = io.BytesIO()
    save_png(figure, file)
    file.seek(0)
    return int((imread(file)[..., 0] < 0.1).sum())


@pytest.mark.usefixtures("machine_with_a_font")
def test_letters_come_from_the_fonts_of_the_machine(caplog) -> None:
    """A letter that the first font lacks is drawn in another one, if need be not bold, and nothing is said."""
    assert ink_of(HIEROGLYPH, POINTS_PER_INCH) == pytest.approx(DPI**2, rel=0.05)
    assert fitted_text(HIEROGLYPH * 3, 2.5 * DPI, font_of(POINTS_PER_INCH)) == f"{HIEROGLYPH}…"
    assert not caplog.records


def test_letters_that_no_font_has_are_boxes() -> None:
    """Without such a font the letter is no square of ink, and the drawing goes on without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 0 < ink_of(HIEROGLYPH, POINTS_PER_INCH) < 0.8 * DPI**2
