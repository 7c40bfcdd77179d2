"""Building a listing's tables: a row per track, and one per label that is present with where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.sources.base import SAME_AS, Listing
from soundatlas.tables import FAILURES, LABELS, TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Iterable

STAGE = "ingest"
YEARS_PER_DECADE = 10
TEMPI_BPM = (20.0, 400.0)  # that quality rule tempo-plausible takes; every source has a tempo outside as missing
ABOUT = {  # columns that say which track it is and where it lies; all others are labels
    "track_id",
    "source",
    "source_id",
    "path",
    "audio_sha256",
    "duration_seconds",
    "licence",
    "ml_use",
    SAME_AS,
}


@dataclass(frozen=True)
class Row:
    """A track.

    Attributes:
        track: column -> value, of `tables.TRACKS` and beyond; a missing value is None or absent. The decade follows
            from the year where it is not given.
        provenance: label -> where its value comes from; those that are not named come from `source`.
        licences: label -> licence and ml_use of its value, where they are not the track's.
    """

    track: dict[str, Any]
    provenance: dict[str, str] = field(default_factory=dict)
    licences: dict[str, tuple[str, str]] = field(default_factory=dict)


def build_listing(rows: Iterable[Row], failures: Iterable[dict[str, str]]) -> Listing:
    """Build the tables of a listing.

    Args:
        rows: of tracks, in any order.
        failures: as `failure` makes them.
    """
    tracks, labels = [], []
    for row in rows:
        track, provenance, licences = _with_decade(row)
        tracks.append(track)
        about = {"track_id": track["track_id"]}
        for label, value in track.items():
            if label not in ABOUT and not _missing(value):
                licence, ml_use = licences.get(label, (track["licence"], track["ml_use"]))
                origin = {"provenance": provenance.get(label, track["source"]), "licence": licence, "ml_use": ml_use}
                labels.append({**about, "label": label, "value": as_text(value), **origin})
    return Listing(
        tracks=conform(pd.DataFrame(tracks, columns=None if tracks else [*TRACKS]), TRACKS, extra=True),
        labels=conform(pd.DataFrame(labels, columns=[*LABELS]), LABELS),
        failures=conform(pd.DataFrame([*failures], columns=[*FAILURES]), FAILURES),
    )


def failure(path: str, reason: str, message: str) -> dict[str, str]:
    """Return what became of an input that is no track.

    Args:
        path: of a file, or an id such as "spotify:4uLU6hMCjMI75M1A2tKUQC".
        reason: a code from `tables.REASONS`.
        message: one sentence for a person.
    """
    return {"path": path, "stage": STAGE, "reason": reason, "message": message}


def decade_of(year: float) -> str:
    """Return a year's decade as the catalogue spells it: "1780s"."""
    return f"{int(year) // YEARS_PER_DECADE * YEARS_PER_DECADE}s"


def as_text(value: Any) -> str:
    """Write a label's value as `tables.LABELS` has it."""
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)


def _with_decade(row: Row) -> tuple[dict[str, Any], dict[str, str], dict[str, tuple[str, str]]]:
    track, provenance, licences = dict(row.track), dict(row.provenance), dict(row.licences)
    if not _missing(track.get("year")) and _missing(track.get("decade")):
        track["decade"] = decade_of(track["year"])
        for known in (provenance, licences):
            if "year" in known:
                known["decade"] = known["year"]  # type: ignore[assignment]
    return track, provenance, licences


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
