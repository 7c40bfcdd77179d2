"""What all our figures share: a spectrogram over seconds and hertz, and a PNG without pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from soundatlas.learning.lettering import DPI, font_families, letters_may_lack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

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


def save_png(figure: Figure, path: Path | BinaryIO, *, facts: Mapping[str, str] | None = None) -> None:
    """Write a figure as PNG, in our fonts; equal figures give equal bytes on a machine.

    Args:
        figure: without a canvas of its own.
        path: of the file, or one that is open.
        facts: keyword -> text that the file carries unseen.
    """
    FigureCanvasAgg(figure)
    families = font_families()
    for text in figure.findobj(Text):
        text.set_fontfamily(families)
    metadata = {"Software": None, **(facts or {})}  # without the library's version
    with letters_may_lack():
        figure.savefig(path, format="png", dpi=DPI, metadata=metadata)


def _as_hertz(hertz: float) -> str:
    return f"{hertz / 1000:g}k" if hertz >= 1000 else f"{hertz:g}"  # noqa: PLR2004 - kilohertz
