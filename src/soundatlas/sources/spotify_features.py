"""Spotify's audio features, where an app is allowed them: only apps from before November 2024 are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.errors import RefusedError
from soundatlas.progress import progress
from soundatlas.sources.spotify_api import FEATURE_IDS
from soundatlas.sources.spotify_listing import FRESH_SECONDS
from soundatlas.sources.spotify_rows import read_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundatlas.sources.spotify_api import SpotifyApi
    from soundatlas.sources.web.memory import Memory

FEATURES_KEY, REFUSED_KEY = "features ", "refused features "
REFUSALS = (403, 404, 410)  # how Spotify says, or might say, that an app has them not
GRANTED, NOTHING_TO_ASK = "granted", "not asked for: no tracks"


def remember_features(tracks: Sequence[str], api: SpotifyApi, memory: Memory, asker: str) -> str:
    """Ask for the features of the tracks whose features are not remembered; the first request is the probe.

    Args:
        tracks: ids, in order.
        api: to ask.
        memory: to recall from, and to keep in.
        asker: as `spotify_account.asker`; what one app is refused, another may have.

    Returns:
        What came out, in words for the report.
    """
    refused = memory.recall(f"{REFUSED_KEY}{asker}", max_age_seconds=FRESH_SECONDS)
    if refused is not None:
        return str(refused)
    known = memory.recall_all(FEATURES_KEY)
    missing = [track for track in tracks if track not in known]
    batches = [missing[start : start + FEATURE_IDS] for start in range(0, len(missing), FEATURE_IDS)]
    with progress("asking for audio features", len(batches)) as advance:
        for batch in batches:
            try:
                answer = api.audio_features(batch)
            except RefusedError as refusal:
                if refusal.status not in REFUSALS:
                    raise
                told = f"not granted to this app ({refusal.status})"
                memory.keep({f"{REFUSED_KEY}{asker}": told})
                return told
            memory.keep(
                {f"{FEATURES_KEY}{track}": read_features(one) for track, one in zip(batch, answer, strict=True)}
            )
            advance()
    return GRANTED if tracks else NOTHING_TO_ASK


def recall_features(memory: Memory) -> dict[str, dict[str, Any] | None]:
    """Return all features that are known, by the track's id."""
    return memory.recall_all(FEATURES_KEY)
