"""Descriptors of the catalogue's tracks, from the spectrogram store; what was described is not described again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.atlas.remembered import DESCRIPTION, descriptors_path
from soundatlas.audio.descriptors import DESCRIPTORS, describe_sound
from soundatlas.progress import progress
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tables import conform, empty, read_table, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soundatlas.audio.spectrogram import FrontEnd

SOME = 500  # tracks after which what was described is kept, for whoever kills it


@dataclass(frozen=True)
class Described:
    """One track to describe: picklable, for a worker."""

    audio_sha256: str
    store: Path
    front_end: FrontEnd


def describe_tracks(
    root: Path, store: SpectrogramStore, front_end: FrontEnd, shas: Sequence[str], *, timeout_seconds: float
) -> pd.DataFrame:
    """Return the descriptors of tracks.

    Args:
        root: of the project.
        store: of their spectrograms.
        front_end: that made those.
        shas: audio SHA-256 of each track.
        timeout_seconds: longest time for one track.

    Returns:
        a row per track in the order of `shas`, a column per descriptor; NaN for a track that is not in the store or
        could not be described.
    """
    path = descriptors_path(root, front_end)
    known = read_table(path, DESCRIPTION) if path.is_file() else empty(DESCRIPTION)
    present = set(known["audio_sha256"])
    missing = [sha for sha in dict.fromkeys(shas) if sha in store and sha not in present]
    rows: list[dict[str, object]] = []
    jobs = [Described(sha, store.folder, front_end) for sha in missing]
    outcomes = map_in_workers(describe, jobs, timeout_seconds=timeout_seconds)
    with progress("describing the catalogue", len(jobs)) as advance, closing(outcomes):
        for outcome in outcomes:
            if outcome.value is not None:
                rows.append({"audio_sha256": outcome.item.audio_sha256, **outcome.value})
            advance()
            if len(rows) % SOME == SOME - 1:
                _kept(path, known, rows)
    if rows:
        known = _kept(path, known, rows)
    return known.set_index("audio_sha256").reindex(list(shas))[[*DESCRIPTORS]].reset_index(drop=True)


def _kept(path: Path, known: pd.DataFrame, rows: list[dict[str, object]]) -> pd.DataFrame:
    added = conform(pd.DataFrame(rows), DESCRIPTION)
    table = pd.concat([known, added], ignore_index=True).sort_values("audio_sha256", ignore_index=True)
    write_table(table, path)
    return table


def describe(job: Described) -> dict[str, float]:
    """Describe one track from its stored spectrogram."""
    store = open_once(job.store, job.front_end.sha256())
    return describe_sound(store.log_mel(job.audio_sha256), job.front_end.frames_per_second)


@lru_cache(maxsize=1)
def open_once(folder: Path, contract_sha256: str) -> SpectrogramStore:
    """Open a store that the process keeps for the next track."""
    return SpectrogramStore(folder, contract_sha256)
