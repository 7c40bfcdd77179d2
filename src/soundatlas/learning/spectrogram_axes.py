"""What all our figures share: a spectrogram over seconds and hertz, text that stays text, and a PNG without pyplot."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

DPI = 110
MARKED_HERTZ = (125, 500, 1000, 2000, 4000, 8000, 16000)


def show_spectrogram(
    axes: Any, values: NDArray[Any], band_hertz: NDArray[np.float64], seconds: tuple[float, float], **settings: Any
) -> Any:
    """Show an array over seconds and hertz, the low bands at the bottom, and return the image.

    Args:
        axes: to draw into.
        values: shape (bands, frames).
        band_hertz: middle of each mel band.
        seconds: where the first frame begins and the last one ends.
        settings: of `Axes.imshow`, such as the colours.
    """
    bands = len(band_hertz)
    extent = (*seconds, 0, bands)
    shown = axes.imshow(values, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **settings)
    marks = [hertz for hertz in MARKED_HERTZ if band_hertz[0] <= hertz <= band_hertz[-1]]
    axes.set_yticks(np.interp(marks, band_hertz, np.arange(bands) + 0.5), [_as_hertz(hertz) for hertz in marks])
    axes.set_ylabel("Hz (mel scale)")
    return shown


def plain_text(text: str) -> str:
    """Keep text what it is: matplotlib would set what stands between dollars as mathematics, and obeys line breaks."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text).replace(
        "$", r"\$"
    )


def shortened_text(text: str, most_letters: int) -> str:
    """Return `plain_text` in one line of at most so many letters; what is cut off is an ellipsis."""
    whole = " ".join(text.split())
    return plain_text(whole if len(whole) <= most_letters else f"{whole[: most_letters - 1].rstrip()}…")


def save_png(figure: Figure, path: Path | BinaryIO, *, facts: Mapping[str, str] | None = None) -> None:
    """Write a figure as PNG; equal figures give equal bytes.

    Args:
        figure: without a canvas of its own.
        path: of the file, or one that is open.
        facts: keyword -> text that the file carries unseen.
    """
    FigureCanvasAgg(figure)
    metadata = {"Software": None, **(facts or {})}  # without the library's version
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font lacks
        figure.savefig(path, format="png", dpi=DPI, metadata=metadata)


def _as_hertz(hertz: float) -> str:
    return f"{hertz / 1000:g}k" if hertz >= 1000 else f"{hertz:g}"  # noqa: PLR2004 - kilohertz
