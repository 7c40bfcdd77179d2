"""Stage `separate`: what is each track made of?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.audio.stems import StemFrontEnd
from soundatlas.errors import TooManyFailuresError
from soundatlas.history.audit import STEMS, Step, open_audit
from soundatlas.history.watching import audited
from soundatlas.profiling import profiled
from soundatlas.progress import progress
from soundatlas.stages._run import run_profiled_stage
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.stem_audio import update_stem_audio
from soundatlas.store.writing import Update, update_store
from soundatlas.tables import TRACKS, read_table
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.profiling import Profile

LOG_MELS, AUDIO = "data/stems", "data/stem_audio"
KNOWN_SHARDS = "data/.known-stem-shards.json"


def run(root: Path, params: Params, profile: Profile | None = None) -> None:
    """Bring `data/stems/` and `data/stem_audio/` up to date; without `separate.stems` both are empty.

    Raises:
        TooManyFailuresError: when more tracks failed than `separate.max_failure_rate` allows.
    """
    section, front_end = params.separate, StemFrontEnd.of(params.spectrograms, params.separate)
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    wanted = dict(zip(tracks["audio_sha256"], tracks["path"], strict=True)) if section.stems else {}
    audible = wanted if section.write_audio else {}
    step, crew = Step(STEMS, front_end.sha256()), profiled(profile, retrying(section.retries))
    with open_audit(root, "separate") as trail, progress("taking tracks apart", len(wanted)) as advance:
        update = update_store(
            root / LOG_MELS,
            wanted,
            front_end,
            root=root,
            timeout_seconds=section.timeout_seconds,
            map_jobs=audited(trail, step, crew),
            advance=advance,
            known=root / KNOWN_SHARDS,
        )
    _report("log-mels", update, root / LOG_MELS, len(wanted), section.max_failure_rate)
    with open_audit(root, "separate") as trail, progress("writing stems", len(audible)) as advance:
        update = update_stem_audio(
            root / AUDIO,
            audible,
            front_end.stems,
            front_end.separation,
            root=root,
            max_seconds=params.spectrograms.max_seconds,
            timeout_seconds=section.timeout_seconds,
            map_jobs=audited(trail, step, crew),
            advance=advance,
        )
    if section.write_audio:
        _report("audio", update, root / AUDIO, len(audible), section.max_failure_rate)


def _report(what: str, update: Update, folder: Path, wanted: int, max_failure_rate: float) -> None:
    print(  # noqa: T201 - the stage's report
        f"separate: {what}: {update.computed} computed, {update.kept} kept, {update.removed} removed, "
        f"{update.failed} failed"
    )
    if update.failed > max_failure_rate * wanted:
        reasons = pd.read_parquet(folder / FAILURES_NAME)["reason"].value_counts()
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise TooManyFailuresError(
            f"{update.failed} of {wanted} tracks failed ({told}): see data/{folder.name}/{FAILURES_NAME}, "
            "or raise separate.max_failure_rate"
        )


if __name__ == "__main__":
    run_profiled_stage(run)
