"""Text in figures: it stays text, has the letters of many scripts, and is cut where it would not fit."""

from __future__ import annotations

import logging
import warnings
from bisect import bisect_right
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager

if TYPE_CHECKING:
    from collections.abc import Iterator

DPI = 110  # of all our pictures
FIRST_FONT = "sans-serif"
FALLBACK_FONTS = (  # for letters that the first one lacks; all have outlines, since matplotlib draws no bitmaps
    *("Noto Sans CJK JP", "WenQuanYi Micro Hei", "Droid Sans Fallback"),  # Linux
    *("Arial Unicode MS", "Hiragino Sans GB", "Apple SD Gothic Neo"),  # macOS
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),  # Windows
    *("Noto Emoji", "Segoe UI Emoji", "Symbola"),
)
MOST_LETTERS = 300  # of a line; no font of ours is so narrow that more would fit

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a fallback without a bold cut is drawn as it is


def font_families() -> list[str]:
    """Return the fonts in which a letter is looked for, the first that has it first: those that this machine has."""
    there = {font.name for font in fontManager.ttflist}
    return [FIRST_FONT, *(name for name in FALLBACK_FONTS if name in there)]


def font_of(points: float, weight: str = "normal") -> FontProperties:
    """Return our font of a size and weight."""
    return FontProperties(family=font_families(), size=points, weight=weight)


def plain_text(text: str) -> str:
    """Keep text what it is: matplotlib would set what stands between dollars as mathematics, and obeys line breaks."""
    return _printable(text).replace("$", r"\$")


def fitted_text(text: str, most_pixels: float, font: FontProperties) -> str:
    """Return `plain_text` in one line that is at most so wide; what is cut off is an ellipsis."""
    whole = " ".join(text.split())
    if _fitting(whole, most_pixels, font) < len(whole):
        whole = f"{whole[: _fitting(whole, most_pixels, font, '…')].rstrip()}…"
    return plain_text(whole)


def fitted_lines(text: str, most_pixels: float, most_lines: int, font: FontProperties) -> list[str]:
    """Return `plain_text` in at most so many lines, broken between words, or within one that is wider than a line."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while len(lines) < most_lines - 1 and (fitting := _fitting(rest, most_pixels, font)) < len(rest):
        end = rest.rfind(" ", 1, fitting + 1)
        end = end if end > 0 else max(fitting, 1)
        lines.append(plain_text(rest[:end]))
        rest = rest[end:].lstrip()
    return [*lines, fitted_text(rest, most_pixels, font)]


@contextmanager
def letters_may_lack() -> Iterator[None]:
    """Let a letter that no font has be a box, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _fitting(text: str, most_pixels: float, font: FontProperties, ending: str = "") -> int:
    """Return how many letters fit into a width, with an ending after them."""
    letters = _printable(text[:MOST_LETTERS])
    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)
    drawn = figure.text(0, 0, "", fontproperties=font, parse_math=False)

    def width(count: int) -> float:
        drawn.set_text(letters[:count] + ending)
        return drawn.get_window_extent().width

    with letters_may_lack():
        if width(len(letters)) <= most_pixels:
            return len(letters)
        return max(0, bisect_right(range(len(letters)), most_pixels, key=width) - 1)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
