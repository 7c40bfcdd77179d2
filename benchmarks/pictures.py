"""How fast do log-mels become thumbnails? All ways take turns in one process. `make bench-pictures` after a demo.

- soundatlas: `thumbnail_levels` and `thumbnail_png`, as the map and the contact sheets have them
- pyplot: a figure of the same pixels without axes, `imshow`, `savefig`, `close`: the least that pyplot can do
- specshow: a figure of its usual size with axes, by `librosa.display.specshow`, as in librosa's examples
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.audio.thumbnails import COLOURS, DEPTH_DB, thumbnail_levels, thumbnail_png
from soundatlas.params import load_params
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

COLUMNS, ROWS = 128, 48  # pixels
DPI = 100
OURS = "soundatlas"


def draw_ours(log_mel: NDArray[np.float32]) -> bytes:
    """Draw a thumbnail as soundatlas does."""
    return thumbnail_png(thumbnail_levels(log_mel, columns=COLUMNS, rows=ROWS))


def draw_with_pyplot(log_mel: NDArray[np.float32]) -> bytes:
    """Draw a thumbnail of the same pixels with pyplot."""
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(COLUMNS / DPI, ROWS / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    loudest = log_mel.max()
    axes.imshow(log_mel.T, origin="lower", aspect="auto", cmap=COLOURS, vmin=loudest - DEPTH_DB, vmax=loudest)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    plt.close(figure)
    return file.getvalue()


def draw_with_specshow(log_mel: NDArray[np.float32]) -> bytes:
    """Draw a figure as librosa's examples do."""
    from librosa.display import specshow
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    specshow(log_mel.T, x_axis="time", y_axis="mel", sr=16_000, hop_length=512, fmax=8_000, ax=axes)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    return file.getvalue()


WAYS: dict[str, Callable[[NDArray[np.float32]], bytes]] = {
    OURS: draw_ours,
    "pyplot": draw_with_pyplot,
    "specshow": draw_with_specshow,
}


def measure(log_mels: list[NDArray[np.float32]], repeats: int) -> dict[str, list[float]]:
    """Return way -> seconds for all log-mels, per repeat: the ways take turns; a first round is not timed."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(repeats + 1):
        for way, draw in WAYS.items():
            begun = time.perf_counter()
            for log_mel in log_mels if number else log_mels[:1]:
                draw(log_mel)
            if number:
                seconds[way].append(time.perf_counter() - begun)
    return seconds


def report(seconds: dict[str, list[float]], pictures: int) -> str:
    """Return a line per way: milliseconds a picture, and how many times ours that is."""
    lines = []
    for way, each in seconds.items():
        ratios = [other / own for other, own in zip(each, seconds[OURS], strict=True)]
        lines.append(
            f"{way:10} {1000 * statistics.median(each) / pictures:7.2f} ms a picture   "
            f"{statistics.median(ratios):6.1f} x soundatlas [{min(ratios):.1f}, {max(ratios):.1f}]"
        )
    return "\n".join(lines)


def main() -> None:
    """Take log-mels of a project, let the ways take turns, and print times and ratios."""
    import matplotlib as mpl

    mpl.use("Agg")
    options = _options()
    folder = options.project / "data/spectrograms"
    if not (folder / MANIFEST_NAME).is_file():
        sys.exit("the project has no spectrograms: run `make demo`")
    front_end = FrontEnd.of(load_params(options.project / "params.yaml").spectrograms)
    store = SpectrogramStore(folder, front_end.sha256())
    log_mels = [store.log_mel(str(sha)) for sha in store.manifest.index[: options.tracks]]
    print(f"{len(log_mels)} log-mels of the catalogue, {options.repeats} interleaved repeats")
    print(report(measure(log_mels, options.repeats), len(log_mels)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    parser.add_argument("--tracks", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
