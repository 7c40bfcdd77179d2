"""The pictures of the gate's report, as data URIs: the gain with its interval, and who was taken for whom."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from soundatlas.learning.figures import confusion_matrix
from soundatlas.learning.spectrogram_axes import save_png

if TYPE_CHECKING:
    from collections.abc import Sequence


def interval_image(figures: dict[str, Any]) -> str:
    """Draw the gain, its interval, and what it must be above."""
    figure = Figure(figsize=(7, 1.9), layout="constrained")
    axes = figure.subplots()
    low, high = figures["gain_low"], figures["gain_high"]
    colour = "#17692b" if low > figures["min_gain"] else "#a4161a"
    axes.plot([low, high], [0, 0], color=colour, linewidth=3, solid_capstyle="butt")
    axes.plot(figures["gain"], 0, "o", color=colour, markersize=9)
    axes.axvline(figures["min_gain"], color="black", linestyle=":", label=f"must be above {figures['min_gain']:g}")
    axes.set(yticks=[], xlabel="gain in mean macro F1", ylim=(-1, 1))
    axes.legend(frameon=False, loc="upper left")
    return _data_uri(figure)


def confusion_image(names: Sequence[str], counts: Sequence[Sequence[int]], title: str) -> str:
    """Draw a confusion matrix; rows are what a track is, columns what it was taken for."""
    pairs = [
        (actual, said)
        for actual, row in zip(names, counts, strict=True)
        for said, count in zip(names, row, strict=True)
        for _ in range(count)
    ]
    table = pd.DataFrame(pairs, columns=["actual", "predicted"])
    return _data_uri(confusion_matrix(table["actual"], table["predicted"], title))


def _data_uri(figure: Figure) -> str:
    file = io.BytesIO()
    save_png(figure, file)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
