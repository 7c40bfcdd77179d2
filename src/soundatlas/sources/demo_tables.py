"""The demo catalogue's tables: what is known of each piece and each rendering, and where that comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.sources.demo_choice import ENSEMBLES
from soundatlas.sources.demo_corpus import ARTISTS
from soundatlas.tables import FAILURES, INBOX, LABELS, TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from soundatlas.sources.demo_choice import Clip
    from soundatlas.sources.demo_render import Facts

SOURCE = "demo"
# The compositions are in the public domain and the editions are distributed with their makers' permission or under
# the notes that the corpus' files carry (see `demo_corpus`); the sound is rendered on the user's own machine.
ML_USE = "allowed"
RENDERED = ("tempo_bpm", "acousticness", "notes_per_second", "polyphony", "mean_pitch", "ensemble")
NAMED = ("artist", "album", "work", "title")
YEARS_PER_DECADE = 10


@dataclass(frozen=True)
class Rendered:
    """A clip that is there: its path relative to the project, its facts, and what its score prints about rights."""

    clip: Clip
    path: str
    facts: Facts
    notice: str


def tracks_and_labels(rendered: Iterable[Rendered]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the catalogue, by track id, and one row for every label that is present."""
    tracks = [_track(each) for each in rendered]
    tracks.sort(key=lambda item: str(item[0]["track_id"]))
    labels = [
        {
            "track_id": track["track_id"],
            "label": label,
            "value": f"{track[label]:.10g}" if isinstance(track[label], int | float) else track[label],
            "provenance": provenance,
            "licence": track["licence"],
            "ml_use": track["ml_use"],
        }
        for track, provenances in tracks
        for label, provenance in provenances.items()
        if track[label] is not None
    ]
    return (
        conform(pd.DataFrame([track for track, _ in tracks], columns=list(TRACKS)), TRACKS),
        conform(pd.DataFrame(labels, columns=list(LABELS)), LABELS),
    )


def _track(rendered: Rendered) -> tuple[dict[str, Any], dict[str, str]]:
    """Build one row, and say where each label comes from: label -> provenance."""
    clip, facts = rendered.clip, rendered.facts
    piece = clip.piece
    written = piece.key is not None
    credit = rendered.notice or piece.credit
    track = {
        "track_id": f"{SOURCE}:{clip.source_id}",
        "source": SOURCE,
        "source_id": clip.source_id,
        "path": rendered.path,
        "audio_sha256": facts.audio_sha256,
        "duration_seconds": facts.duration_seconds,
        "licence": f"composition in the public domain; {credit}; rendered locally from {piece.path}",
        "ml_use": ML_USE,
        "artist": ARTISTS[piece.artist],
        "album": piece.album,
        "work": piece.work,
        "title": piece.title,
        "genre": piece.genre,
        "year": piece.year,
        "decade": None if piece.year is None else f"{piece.year // YEARS_PER_DECADE * YEARS_PER_DECADE}s",
        "isrc": None,
        "tempo_bpm": facts.tempo_bpm,
        "acousticness": ENSEMBLES[clip.ensemble].acousticness,
        "notes_per_second": facts.notes_per_second,
        "polyphony": facts.polyphony,
        "mean_pitch": facts.mean_pitch,
        "key": piece.key if written else facts.estimated_key,
        "mode": piece.mode if written else facts.estimated_mode,
        "ensemble": clip.ensemble,
    }
    provenances = {
        **dict.fromkeys(NAMED, "corpus"),
        "genre": piece.genre_provenance,
        **dict.fromkeys(("year", "decade"), piece.year_provenance),
        **dict.fromkeys(("key", "mode"), "score" if written else "estimate"),
        **dict.fromkeys(RENDERED, "rendering"),
    }
    return track, provenances


def inbox_table(rendered: Iterable[Rendered]) -> pd.DataFrame:
    """Build the listing of the clips to classify, by path, with their true names for showing."""
    rows = [
        {
            "path": each.path,
            "size_bytes": each.facts.size_bytes,
            "audio_sha256": each.facts.audio_sha256,
            "artist": ARTISTS[each.clip.piece.artist],
            "title": each.clip.piece.title,
        }
        for each in rendered
    ]
    rows.sort(key=lambda row: str(row["path"]))
    schema = {**INBOX, "artist": "str", "title": "str"}
    return conform(pd.DataFrame(rows, columns=list(schema)), schema)


def failures_table(failures: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """Build the table of what could not be used, from (what, reason, message), by what."""
    rows = sorted(set(failures))
    table = pd.DataFrame(rows, columns=["path", "reason", "message"]).assign(stage="catalog")
    return conform(table, FAILURES)
