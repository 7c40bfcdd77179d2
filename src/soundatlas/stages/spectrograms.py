"""Stage `spectrograms`: what does each track look like?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import TooManyFailuresError
from soundatlas.history.audit import SPECTROGRAM, Step, open_audit
from soundatlas.history.watching import audited
from soundatlas.profiling import profiled
from soundatlas.progress import progress
from soundatlas.stages._run import run_profiled_stage
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.writing import update_store
from soundatlas.tables import TRACKS, read_table
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.profiling import Profile


def run(root: Path, params: Params, profile: Profile | None = None) -> None:
    """Bring `data/spectrograms/` up to date with the catalogue.

    Raises:
        TooManyFailuresError: when more tracks failed than `spectrograms.max_failure_rate` allows.
    """
    section, folder, front_end = params.spectrograms, root / "data/spectrograms", FrontEnd.of(params.spectrograms)
    step = Step(SPECTROGRAM, front_end.sha256())
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    wanted = dict(zip(tracks["audio_sha256"], tracks["path"], strict=True))
    with open_audit(root, "spectrograms") as trail, progress("computing spectrograms", len(wanted)) as advance:
        update = update_store(
            folder,
            wanted,
            front_end,
            root=root,
            timeout_seconds=section.timeout_seconds,
            map_jobs=audited(trail, step, profiled(profile, retrying(section.retries))),
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


if __name__ == "__main__":
    run_profiled_stage(run)
