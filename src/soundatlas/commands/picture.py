"""`soundatlas picture`: what a track looks like, as a whole and in its parts."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import UsageError
from soundatlas.files import audio_path, project_root, refuse_no_file, replacing_file
from soundatlas.lineage.subject import find_subject
from soundatlas.params import load_params
from soundatlas.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.learning.picture_figure import Picture
    from soundatlas.params import Params

UNFIT = re.compile(r"[^\w.-]+")  # for a file's name
MOST_LETTERS = 60  # of a file's name
SUFFIX = ".png"


def draw_pictures(what: str, *, kinds: Sequence[str], out: Path | None, start: float, seconds: float) -> None:
    """Draw a track's spectrograms into PNG files, and print where they are.

    Args:
        what: a file, a track_id, a listed path, the beginning of the audio's SHA-256, or a part of artist and title.
        kinds: of `picture_figure.KINDS`, in this order; all when empty.
        out: a file for one figure of all, or a folder for a file of each kind; by default `picture-<name>.png` here.
        start: where in the track the pictures begin, in seconds.
        seconds: how long a stretch is drawn.

    Raises:
        UsageError: when no audio or more than one is meant, or a kind or place cannot be.
        TrackError: when the file cannot be used.
    """
    from soundatlas.learning.picture_figure import KINDS

    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise UsageError(f"there are no pictures of the kind {printable(unknown[0])!r}: {', '.join(KINDS)}")
    wanted = tuple(dict.fromkeys(kinds)) or KINDS
    root = project_root()
    path, title = _find(what, root)
    name = UNFIT.sub("-", path.stem if title == path.name else title).strip("-.")[:MOST_LETTERS] or "track"
    targets = _targets(out, name, wanted)
    picture = _compute(path, title, wanted, load_params(root / "params.yaml"), start, seconds)
    for target, shown in targets.items():
        _write(target, picture, shown)
        wide_console().print(f"Picture: {escape(printable(str(target)))}", soft_wrap=True)


def _find(what: str, root: Path) -> tuple[Path, str]:
    """Return the audio file that is meant, and what to call it.

    Raises:
        UsageError: when there is no file of it, or nothing or more than one thing is meant.
    """
    subject = find_subject(root, what, by_part=True)
    files = [audio_path(root, path) for path in subject.paths]
    if os.path.isfile(what):  # noqa: PTH113 - says no to what is too long for a file's name: it may be a title
        own = Path(what)
        return own, subject.name if own.resolve() in {file.resolve() for file in files} else own.name
    if not files:
        raise UsageError(f"the project knows no file of {printable(subject.name)}: name one")
    return next((file for file in files if file.is_file()), files[0]), subject.name


def _targets(out: Path | None, name: str, kinds: Sequence[str]) -> dict[Path, Sequence[str]]:
    """Return file -> the kinds that it shows.

    Raises:
        UsageError: when the place cannot be.
    """
    if out is not None and out.is_dir():
        return {out / f"{name}-{kind}{SUFFIX}": [kind] for kind in kinds}
    target = out or Path(f"picture-{name}{SUFFIX}")
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"{printable(str(target))} is neither a folder nor a file that ends with {SUFFIX}")
    refuse_no_file(target)
    if not target.parent.is_dir():
        raise UsageError(f"{printable(str(target.parent))} is not a folder that the picture could be put into")
    return {target: kinds}


def _compute(path: Path, title: str, kinds: Sequence[str], params: Params, start: float, seconds: float) -> Picture:
    """Compute the log-mels of a stretch of a file.

    Raises:
        UsageError: when the track ends before the stretch begins.
        TrackError: when the file cannot be decoded, or the stretch is too short.
    """
    from soundatlas.audio.decode import decode
    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.audio.stems import StemFrontEnd, separation_of
    from soundatlas.errors import TrackError
    from soundatlas.learning.picture_figure import LOG_MEL, Picture

    front_end = FrontEnd.of(params.spectrograms)
    decoded = decode(path, max_seconds=start + seconds)
    samples = decoded.samples[round(start * decoded.sample_rate) :]
    length = len(samples) / decoded.sample_rate
    if length == 0:
        raise UsageError(f"the track is {decoded.duration_seconds:.1f} s long: nothing begins at {start:g} s")
    if length < front_end.min_seconds:
        raise TrackError("too_short", f"{length:.2f} s from {start:g} s on, shorter than {front_end.min_seconds:g} s")
    log_mels: dict[str, NDArray[np.float32]] = {}
    with progress("taking the sound apart", len(kinds)) as advance:
        for kind in kinds:
            if kind == LOG_MEL:
                log_mels[kind] = front_end.log_mel(samples, decoded.sample_rate)
            else:
                stems = StemFrontEnd(front_end, (kind,), separation_of(params.separate))
                log_mels |= stems.stem_log_mels(samples, decoded.sample_rate)
            advance()
    loudest = max(float(log_mel.max()) for log_mel in log_mels.values())
    return Picture(title, log_mels, front_end.band_hertz(), 1 / front_end.frames_per_second, start, loudest)


def _write(target: Path, picture: Picture, kinds: Sequence[str]) -> None:
    from dataclasses import replace

    from soundatlas.learning.picture_figure import draw_picture
    from soundatlas.learning.spectrogram_axes import save_png

    figure = draw_picture(replace(picture, log_mels={kind: picture.log_mels[kind] for kind in kinds}))
    with replacing_file(target) as beside:
        save_png(figure, beside)
