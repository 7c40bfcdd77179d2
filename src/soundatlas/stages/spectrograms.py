"""Stage `spectrograms`: what does each track look like?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import TooManyFailuresError
from soundatlas.history.audit import SPECTROGRAM, Step, open_audit
from soundatlas.history.watching import audited
from soundatlas.profiling import profiled
from soundatlas.progress import progress
from soundatlas.stages._run import run_profiled_stage
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.rows import NEEDED_FOR_COMPUTING
from soundatlas.store.writing import update_store
from soundatlas.tables import read_columns
from soundatlas.workers import early_worker, retrying

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
    with early_worker(*NEEDED_FOR_COMPUTING), open_audit(root, "spectrograms") as trail:
        tracks = read_columns(root / "data/catalog/tracks.parquet", ["audio_sha256", "path"])
        wanted = {track["audio_sha256"]: track["path"] for track in tracks}
        with progress("computing spectrograms", len(wanted)) as advance:
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
        reasons = Counter(row["reason"] for row in read_columns(folder / FAILURES_NAME, ["reason"]))
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise TooManyFailuresError(
            f"{update.failed} of {len(wanted)} tracks failed ({told}): see data/spectrograms/{FAILURES_NAME}, "
            "or raise spectrograms.max_failure_rate"
        )


if __name__ == "__main__":
    run_profiled_stage(run)
