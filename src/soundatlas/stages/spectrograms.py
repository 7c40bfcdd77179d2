"""Stage `spectrograms`: what does each track look like?"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import TooManyFailuresError
from soundatlas.history.audit import SPECTROGRAM, Step, open_audit
from soundatlas.history.watching import audited
from soundatlas.profiling import profiled
from soundatlas.progress import progress
from soundatlas.scale.delegation import noting, take_over_attempts
from soundatlas.stages._run import run_profiled_stage
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.rows import NEEDED_FOR_COMPUTING
from soundatlas.store.writing import update_store
from soundatlas.tables import read_columns
from soundatlas.workers import early_workers, retrying

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.params import EngineParams, Params, SpectrogramsParams
    from soundatlas.profiling import Profile
    from soundatlas.store.writing import Update

KNOWN_SHARDS = "data/.known-shards.json"


def run(root: Path, params: Params, profile: Profile | None = None) -> None:
    """Bring `data/spectrograms/` up to date with the catalogue.

    Raises:
        TooManyFailuresError: when more tracks failed than `spectrograms.max_failure_rate` allows.
    """
    section, folder = params.spectrograms, root / "data/spectrograms"
    if params.engine.kind == "local":
        update, wanted = _update_here(folder, root, section, profile)
    else:
        update, wanted = _update_on_cluster(folder, root, section, params.engine)
        if profile is not None:
            profile.runner = params.engine.runner
    print(  # noqa: T201 - the stage's report
        f"spectrograms: {update.computed} computed, {update.kept} kept, {update.removed} removed, "
        f"{update.failed} failed"
    )
    if update.failed > section.max_failure_rate * wanted:
        reasons = Counter(row["reason"] for row in read_columns(folder / FAILURES_NAME, ["reason"]))
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise TooManyFailuresError(
            f"{update.failed} of {wanted} tracks failed ({told}): see data/spectrograms/{FAILURES_NAME}, "
            "or raise spectrograms.max_failure_rate"
        )


def _update_here(folder: Path, root: Path, section: SpectrogramsParams, profile: Profile | None) -> tuple[Update, int]:
    """Bring the store up to date with processes of this machine; return also how many tracks are wanted."""
    front_end = FrontEnd.of(section)
    step = Step(SPECTROGRAM, front_end.sha256())
    with early_workers(*NEEDED_FOR_COMPUTING), open_audit(root, "spectrograms") as trail:
        take_over_attempts(folder, noting(root, trail))
        map_jobs = audited(trail, step, profiled(profile, retrying(section.retries)))
        update = partial(update_store, map_jobs=map_jobs, known=root / KNOWN_SHARDS)
        return _update(update, folder, root, section, front_end)


def _update_on_cluster(
    folder: Path, root: Path, section: SpectrogramsParams, engine: EngineParams
) -> tuple[Update, int]:
    """Do as `_update_here` does, on a cluster."""
    from soundatlas.scale.delegation import delegate_spectrograms

    front_end = FrontEnd.of(section)
    with open_audit(root, "spectrograms") as trail:
        note = noting(root, trail)
        update = partial(delegate_spectrograms, retries=section.retries, engine=engine, note=note)
        return _update(update, folder, root, section, front_end)


def _update(
    update: Callable[..., Update], folder: Path, root: Path, section: SpectrogramsParams, front_end: FrontEnd
) -> tuple[Update, int]:
    tracks = read_columns(root / "data/catalog/tracks.parquet", ["audio_sha256", "path"])
    wanted = {track["audio_sha256"]: track["path"] for track in tracks}
    with progress("computing spectrograms", len(wanted)) as advance:
        done = update(folder, wanted, front_end, root=root, timeout_seconds=section.timeout_seconds, advance=advance)
    return done, len(wanted)


if __name__ == "__main__":
    run_profiled_stage(run)
