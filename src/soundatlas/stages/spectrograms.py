"""Stage `spectrograms`: what does each track look like?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import TooManyFailuresError
from soundatlas.progress import progress
from soundatlas.stages._run import run_stage
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.writing import update_store
from soundatlas.tables import TRACKS, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.params import EngineParams, Params
    from soundatlas.store.writing import Update


def run(root: Path, params: Params) -> None:
    """Bring `data/spectrograms/` up to date with the catalogue.

    Raises:
        TooManyFailuresError: when more tracks failed than `spectrograms.max_failure_rate` allows.
    """
    section, folder = params.spectrograms, root / "data/spectrograms"
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    wanted = dict(zip(tracks["audio_sha256"], tracks["path"], strict=True))
    with progress("computing spectrograms", len(wanted)) as advance:
        update = _update(params.engine)(
            folder,
            wanted,
            FrontEnd.of(section),
            root=root,
            timeout_seconds=section.timeout_seconds,
            advance=advance,
        )
    print(  # noqa: T201 - the stage's report
        f"spectrograms: {update.computed} computed, {update.kept} kept, {update.removed} removed, "
        f"{update.failed} failed"
    )
    if update.failed > section.max_failure_rate * len(wanted):
        reasons = pd.read_parquet(folder / FAILURES_NAME)["reason"].value_counts()
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise TooManyFailuresError(
            f"{update.failed} of {len(wanted)} tracks failed ({told}): see data/spectrograms/{FAILURES_NAME}, "
            "or raise spectrograms.max_failure_rate"
        )


def _update(engine: EngineParams) -> Callable[..., Update]:
    """Return what brings the store up to date: here, or on a cluster."""
    if engine.kind == "local":
        return update_store
    from soundatlas.scale.delegation import delegate_spectrograms

    return partial(delegate_spectrograms, engine=engine)


if __name__ == "__main__":
    run_stage(run)
