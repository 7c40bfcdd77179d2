"""The picture of an explanation: what is heard, what the model says over time, and which sounds it says it for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from soundatlas.audio.thumbnails import DEPTH_DB, brightest_db
from soundatlas.learning.lettering import DPI, fitted_text, font_of, plain_text
from soundatlas.learning.spectrogram_axes import save_png, show_spectrogram

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.learning.explanation import Patches

WIDTH_INCHES = 11.0
SHOWN_CLASSES = 3
LEAST_SCALE = 0.02  # of log-probability: a model that nothing moves shows no colours
COLOURS = ("#1b6ca8", "#d95f02", "#7a7a7a")
LEGEND = """\
Percentages beside names are the model's for the whole track; dots are what one part of it says of one window each. For
the coloured maps, what happens in a patch of the sound is flattened to the level around it, and the model hears the
whole track again: red where the answer then loses, blue where it gains."""
FOR, AGAINST = "red: for it", "blue: against it"


@dataclass(frozen=True)
class Panel:
    """What is drawn of one head.

    Attributes:
        head: e.g. "genre".
        names: its classes, the most probable first.
        track: their probabilities for the whole track.
        windows: the same of each window, by one part of the model alone, shape (windows, classes).
        shares: part -> how much its word counts, summing to 1.
        drops: from `explanation.occlusion`, for the first of the classes.
        band_drops: the same where a row of patches is flattened throughout the track, shape (rows,).
    """

    head: str
    names: tuple[str, ...]
    track: NDArray[np.float64]
    windows: NDArray[np.float64]
    shares: dict[str, float]
    drops: NDArray[np.float64]
    band_drops: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What all panels share.

    Attributes:
        title: of the track.
        log_mel: of the stretch that is shown, shape (frames, n_mels), dB.
        band_hertz: middle of each mel band.
        frame_seconds: distance of two frames.
        part: of the model, that says what it hears in each window.
        window_seconds: middle of each window, in the track.
        patches: the grid of the occlusion, in frames of the track; it covers the stretch.
    """

    title: str
    log_mel: NDArray[np.float32]
    band_hertz: NDArray[np.float64]
    frame_seconds: float
    part: str
    window_seconds: NDArray[np.float64]
    patches: Patches

    @property
    def seconds(self) -> tuple[float, float]:
        """Where in the track the stretch begins and ends."""
        return float(self.patches.frames[0]) * self.frame_seconds, float(self.patches.frames[-1]) * self.frame_seconds

    def hertz(self, row: int) -> tuple[float, float]:
        """Return the middles of the lowest and of the highest mel band of a row of patches."""
        first, last = self.patches.bands[row], self.patches.bands[row + 1] - 1
        return float(self.band_hertz[first]), float(self.band_hertz[last])


def write_explanation(path: Path, scene: Scene, panels: list[Panel]) -> None:
    """Draw an explanation into a PNG file."""
    save_png(draw_explanation(scene, panels), path)


def draw_explanation(scene: Scene, panels: list[Panel]) -> Figure:
    """Draw the spectrogram, and per head the probabilities over time above the map of what they rest on."""
    ratios = [1.5, *([1.0, 1.5] * len(panels))]
    figure = Figure(figsize=(WIDTH_INCHES, 1.35 * sum(ratios) + 1.2), layout="constrained")
    font = font_of(14, "bold")
    title = fitted_text(scene.title, 0.98 * WIDTH_INCHES * DPI, font)
    figure.suptitle(title, fontproperties=font, x=0.01, ha="left")
    rows = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    brightest = brightest_db(float(scene.log_mel.max()))
    heard = _image(rows[0], scene, scene.log_mel.T, cmap="magma", vmin=brightest - DEPTH_DB, vmax=brightest)
    rows[0].set_title("The sound: bright is loud", loc="left", fontsize=10)
    figure.colorbar(heard, ax=rows[0], pad=0.01, label="dB")
    for panel, lines, map_axes in zip(panels, rows[1::2], rows[2::2], strict=True):
        _draw_probabilities(lines, scene, panel)
        scale = max(LEAST_SCALE, float(np.abs(panel.drops).max()))
        greys = {"cmap": "Greys", "vmin": brightest - DEPTH_DB, "vmax": brightest + DEPTH_DB / 2}
        _image(map_axes, scene, scene.log_mel.T, **greys)
        shown = _draw_drops(map_axes, scene, panel.drops, scale)
        map_axes.set_title(_map_title(scene, panel), loc="left", fontsize=10)
        ticks = [-scale, -scale / 2, 0.0, scale / 2, scale]
        bar = figure.colorbar(shown, ax=map_axes, pad=0.01, ticks=ticks, format=_as_factor)
        bar.set_label("times less likely\nwithout it")
    rows[-1].set(xlabel="seconds", xlim=scene.seconds)
    rows[-1].tick_params(labelbottom=True)
    figure.supxlabel(LEGEND, fontsize=9, color="#444444")
    return figure


def _map_title(scene: Scene, panel: Panel) -> str:
    """Say what the map is of, and which row of it matters most when all of it is flattened."""
    row = int(np.argmax(panel.band_drops))
    low, high = scene.hertz(row)
    without = f"without {low:.0f}-{high:.0f} Hz throughout, {_as_factor(panel.band_drops[row])} times less likely"
    return f"What “{plain_text(panel.names[0])}” rests on ({FOR}, {AGAINST}); {without}"


def _draw_probabilities(axes: Any, scene: Scene, panel: Panel) -> None:
    """Draw the likeliest classes of a head over the middles of the windows."""
    for place in range(min(SHOWN_CLASSES, len(panel.names))):
        label = f"{plain_text(panel.names[place])} {panel.track[place]:.0%}"
        values = panel.windows[:, place]
        axes.plot(scene.window_seconds, values, color=COLOURS[place], marker="o", markersize=3, label=label)
    axes.set(ylim=(-0.03, 1.03))
    share = f"weight {panel.shares[scene.part]:.0%}"
    axes.set_ylabel(f"probability,\n{scene.part} alone\n({share})", fontsize=9)
    axes.set_title(f"{plain_text(panel.head).capitalize()}, over time", loc="left", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=SHOWN_CLASSES, frameon=False, fontsize=9)
    axes.grid(alpha=0.3)


def _image(axes: Any, scene: Scene, values: NDArray[Any], **settings: Any) -> Any:
    """Show an array of shape (bands, frames) over the stretch that is shown."""
    return show_spectrogram(axes, values, scene.band_hertz, scene.seconds, **settings)


def _draw_drops(axes: Any, scene: Scene, drops: NDArray[np.float64], scale: float) -> Any:
    """Lay the patches over the faint spectrogram, the more opaque the more they matter."""
    patches = scene.patches
    frames = np.repeat(drops, np.diff(patches.frames), axis=0)
    cells = np.repeat(frames, np.diff(patches.bands), axis=1).T
    opacity = np.clip(np.abs(cells) / scale, 0, 1) ** 0.7
    return _image(axes, scene, cells, cmap="RdBu_r", vmin=-scale, vmax=scale, alpha=0.85 * opacity)


def _as_factor(drop: float, _position: object = None) -> str:
    """Say a drop of a natural logarithm as a factor, e.g. 2.0, or 1/2.0 where the class gets likelier."""
    return f"{np.exp(drop):.3g}" if drop >= 0 else f"1/{np.exp(-drop):.3g}"
