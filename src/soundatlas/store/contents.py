"""What the two tables beside the shards say, in canonical order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.tables import FAILURES, MANIFEST, conform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soundatlas.errors import TrackError


def failure_row(audio_sha256: str, path: str, failure: TrackError) -> dict[str, str]:
    """Return the row of a track that has no spectrogram."""
    return {
        "path": path,
        "stage": "spectrograms",
        "reason": failure.reason,
        "message": failure.message,
        "audio_sha256": audio_sha256,
    }


def manifest_table(shards: Iterable[Mapping[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """Return `tables.MANIFEST`, given what each shard says of its tracks: audio SHA-256 -> row."""
    rows = [{"audio_sha256": sha, **about} for shard in shards for sha, about in shard.items()]
    return conform(pd.DataFrame(rows, columns=[*MANIFEST]).sort_values("audio_sha256"), MANIFEST)


def failures_table(failures: Iterable[Mapping[str, str]]) -> pd.DataFrame:
    """Return `tables.FAILURES`, given rows that `failure_row` made."""
    table = pd.DataFrame([*failures], columns=[*FAILURES, "audio_sha256"]).sort_values("audio_sha256")
    return conform(table, FAILURES)
