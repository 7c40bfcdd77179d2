"""Which tracks of other sources a service is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.sources.web.look_up import Target
from soundatlas.sources.web.words import clean_isrc, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def find_targets(tracks: pd.DataFrame, lacking: Iterable[str], *, by_name: bool) -> list[Target]:
    """Return the tracks to ask about, one for each thing that can be asked.

    Args:
        tracks: as `tables.TRACKS`.
        lacking: columns; a track that has all of them is left alone.
        by_name: ask for artist and title where there is no ISRC.
    """
    wanted = tracks[tracks[[*lacking]].isna().any(axis=1)]
    targets: dict[str, Target] = {}
    for row in wanted.to_dict("records"):
        target = Target(
            track_id=str(row["track_id"]),
            isrc=clean_isrc(row["isrc"]),
            artist=clean_text(row["artist"]),
            title=clean_text(row["title"]),
            duration_seconds=_known(row["duration_seconds"]),
            ml_use=clean_text(row["ml_use"]),
        )
        if target.isrc or (by_name and target.artist and target.title):
            targets.setdefault(target.key, target)
    return [*targets.values()]


def _known(value: Any) -> float | None:
    return float(value) if value is not None and value == value else None  # noqa: PLR0124 - NaN is not itself
