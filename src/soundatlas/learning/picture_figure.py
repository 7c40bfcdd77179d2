"""The pictures of a track: its log-mel and those of its stems, one above the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from soundatlas.audio.separate import BACKGROUND, FOREGROUND, HARMONIC, PERCUSSIVE
from soundatlas.audio.thumbnails import COLOURS, DEPTH_DB, brightest_db
from soundatlas.learning.lettering import DPI, fitted_text, font_of
from soundatlas.learning.spectrogram_axes import show_spectrogram

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

LOG_MEL = "log-mel"
HEADINGS = {
    LOG_MEL: "Log-mel: the whole sound",
    HARMONIC: "Harmonic: what lasts",
    PERCUSSIVE: "Percussive: what strikes",
    FOREGROUND: "Foreground: what does not come back, such as a voice or a soloist",
    BACKGROUND: "Background: what repeats, such as the band",
}
KINDS = tuple(HEADINGS)
WIDTH_INCHES, PANEL_INCHES, FRAME_INCHES = 11.0, 1.9, 1.3


@dataclass(frozen=True)
class Picture:
    """What is drawn of a track.

    Attributes:
        title: of the track, from its tags or its file's name: any text.
        log_mels: kind -> shape (frames, n_mels), dB; all of one shape.
        band_hertz: middle of each mel band.
        frame_seconds: distance of two frames.
        first_second: where in the track the pictures begin.
        loudest_db: of all cells; has the brightest colour, and what is 70 dB softer is black.
    """

    title: str
    log_mels: Mapping[str, NDArray[np.float32]]
    band_hertz: NDArray[np.float64]
    frame_seconds: float
    first_second: float
    loudest_db: float


def draw_picture(picture: Picture) -> Figure:
    """Draw all kinds over the same seconds and in the same colours."""
    kinds = [*picture.log_mels]
    height = PANEL_INCHES * len(kinds) + FRAME_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    font = font_of(14, "bold")
    title = fitted_text(picture.title, 0.98 * WIDTH_INCHES * DPI, font)
    figure.suptitle(title, fontproperties=font, x=0.01, ha="left")
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False)[:, 0]
    brightest = brightest_db(picture.loudest_db)
    colours = {"cmap": COLOURS, "vmin": brightest - DEPTH_DB, "vmax": brightest}
    for axes, kind in zip(panels, kinds, strict=True):
        log_mel = picture.log_mels[kind]
        seconds = (picture.first_second, picture.first_second + len(log_mel) * picture.frame_seconds)
        shown = show_spectrogram(axes, log_mel.T, picture.band_hertz, seconds, **colours)
        axes.set_title(HEADINGS[kind], loc="left", fontsize=10)
    panels[-1].set_xlabel("seconds")
    figure.colorbar(shown, ax=[*panels], pad=0.01, label="dB", aspect=12 * len(kinds))
    return figure
