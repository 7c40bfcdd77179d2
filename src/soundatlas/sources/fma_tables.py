"""FMA's rows as the tables of a listing: tracks, where each of their labels comes from, and failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.sources.fma_licence import ml_use_of
from soundatlas.sources.fma_metadata import ECHONEST_ATTRIBUTES
from soundatlas.sources.rows import as_text, failure
from soundatlas.tables import FAILURES, LABELS, TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundatlas.errors import TrackError
    from soundatlas.sources.fma_metadata import Faulty

SOURCE = "fma"
METADATA_LICENCE = "CC BY 4.0 (FMA metadata)"
ECHONEST_LICENCE = "CC BY 4.0 (FMA metadata), estimated by Echo Nest, whose own terms FMA does not state"
NO_LICENCE = "none stated"
PROVENANCES = {
    "artist": "FMA metadata",
    "album": "FMA metadata",
    "title": "FMA metadata",
    "genre": "FMA genre_top",
    "year": "album release date",
    "decade": "album release date",
    "official_split": "FMA split",
    **dict.fromkeys(ECHONEST_ATTRIBUTES, "echonest"),
}


@dataclass(frozen=True)
class Heard:
    """A file that was decoded: its path as in `tables.TRACKS`, the hash of its bytes, and its length."""

    path: str
    audio_sha256: str
    seconds: float


def track_id(number: int) -> str:
    """Return what a track is called in the catalogue."""
    return f"{SOURCE}:{number}"


def tracks_table(rows: pd.DataFrame, attributes: pd.DataFrame, heard: Mapping[int, Heard]) -> pd.DataFrame:
    """Return `tables.TRACKS` of the tracks that were heard, with `official_split` and Echo Nest's attributes.

    Args:
        rows: as `fma_metadata.describe_tracks` gives them.
        attributes: as `fma_metadata.describe_attributes` gives them; a track without a row has none.
        heard: number -> its audio.
    """
    there = rows.loc[sorted(heard)].drop(columns="subset")
    audio = [heard[number] for number in there.index]
    uses = {text: ml_use_of(text) for text in there["licence"].dropna().unique()}
    numbers = there.index.astype("str")
    table = there.join(attributes).assign(
        track_id=SOURCE + ":" + numbers,
        source=SOURCE,
        source_id=numbers,
        path=[each.path for each in audio],
        audio_sha256=[each.audio_sha256 for each in audio],
        duration_seconds=[each.seconds for each in audio],
        ml_use=there["licence"].map(uses).fillna(ml_use_of("")),
        licence=there["licence"].fillna(NO_LICENCE),
    )
    return conform(table, TRACKS, extra=True)


def labels_table(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return `tables.LABELS` of what `tracks_table` gave."""
    parts = []
    for label, provenance in PROVENANCES.items():
        known = tracks.loc[tracks[label].notna(), ["track_id", label]]
        values = known[label]
        echonest = label in ECHONEST_ATTRIBUTES
        part = pd.DataFrame(
            {
                "track_id": known["track_id"],
                "label": label,
                "value": values.map(as_text),
                "provenance": provenance,
                "licence": ECHONEST_LICENCE if echonest else METADATA_LICENCE,
                "ml_use": "unknown" if echonest else "allowed",
            }
        )
        parts.append(conform(part, LABELS))
    return conform(pd.concat(parts), LABELS)


def failures_table(faulty: Sequence[Faulty], failures: Mapping[int, TrackError]) -> pd.DataFrame:
    """Return `tables.FAILURES` of rows of the metadata that cannot be used, and of tracks that cannot."""
    rows = [failure(f"fma_metadata/tracks.csv:{row.line}", "bad_row", row.message) for row in faulty]
    rows += [failure(track_id(number), fault.reason, fault.message) for number, fault in sorted(failures.items())]
    return conform(pd.DataFrame(rows, columns=[*FAILURES]), FAILURES)
