"""What Spotify says of a track, as a row of ours: whatever an answer holds, it ends as a row or as a failure."""

from __future__ import annotations

import re
from typing import Any

from soundatlas.sources.rows import TEMPI_BPM, Row, failure
from soundatlas.sources.web.words import clean_isrc, clean_text, year_of

LICENCE = "Spotify Developer Terms: not for machine learning"
RESTRICTED = "restricted"
ID = re.compile(r"[A-Za-z0-9]{22}")
PITCH_CLASSES = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "A-", "A", "B-", "B")  # as the demo's scores spell them
MODES = ("minor", "major")
SHARES = ("acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence")
LONGEST_MS, MILLISECONDS = 86_400_000, 1000.0
QUIETEST_DB, MOST_BEATS = -60.0, 16
MODELLED = "Spotify's audio features, the output of a model"


def read_entry(entry: Any, where: str) -> dict[str, Any]:
    """Keep of a playlist's or a library's entry what the catalogue needs.

    Args:
        entry: `{"item": …}`, `{"track": …}`, or anything.
        where: what to call it when it is none, such as "spotify:playlist:37i9dQZF1DX4sWSpwq3LiO#12".

    Returns:
        A track as `read_track` gives it, or `{"failure": …}`.
    """
    item = entry.get("item", entry.get("track")) if isinstance(entry, dict) else None
    local = isinstance(entry, dict) and entry.get("is_local") is True
    return read_track({**item, "is_local": True} if local and isinstance(item, dict) else item, where)


def read_track(item: Any, where: str) -> dict[str, Any]:
    """Keep of a track what the catalogue needs, as `read_entry` does."""
    if not isinstance(item, dict):
        return _failed(where, "not_a_track", "an empty entry: the track is gone")
    name = clean_text(item.get("name")) or "without a name"
    if item.get("is_local") is True:
        return _failed(where, "not_a_track", f"a local file ({name}): bring it with `soundatlas ingest folder`")
    kind = item.get("type", "track")
    if kind != "track":
        return _failed(where, "not_a_track", f"no track but {clean_text(kind) or 'something else'} ({name})")
    if not isinstance(item.get("id"), str) or not ID.fullmatch(item["id"]):
        return _failed(where, "bad_row", f"without a usable id ({name})")
    album, external = _mapping(item.get("album")), _mapping(item.get("external_ids"))
    artists = item["artists"] if isinstance(item.get("artists"), list) else []
    names = [called for artist in artists if (called := clean_text(_mapping(artist).get("name")))]
    return {
        "id": item["id"],
        "title": clean_text(item.get("name")),
        "artist": names[0] if names else None,
        "album": clean_text(album.get("name")),
        "year": year_of(album.get("release_date")),
        "isrc": clean_isrc(external.get("isrc")),
        "duration_seconds": _seconds(item.get("duration_ms")),
    }


def read_features(features: Any) -> dict[str, Any] | None:
    """Keep of a track's audio features what is a number where it should be; None where nothing is."""
    given = _mapping(features)
    kept: dict[str, Any] = {name: _number(given.get(name), 0.0, 1.0) for name in SHARES}
    kept["tempo_bpm"] = _number(given.get("tempo"), *TEMPI_BPM)  # 0 where none was found
    kept["loudness_db"] = _number(given.get("loudness"), QUIETEST_DB, 10.0)
    kept["beats_per_bar"] = _number(given.get("time_signature"), 1.0, MOST_BEATS)
    key, mode = (_number(given.get(name), 0.0, 11.0) for name in ("key", "mode"))
    kept["key"] = None if key is None else PITCH_CLASSES[int(key)]
    kept["mode"] = MODES[int(mode)] if mode in {0.0, 1.0} else None
    return kept if any(value is not None for value in kept.values()) else None


def build_row(track: dict[str, Any], features: dict[str, Any] | None) -> Row:
    """Make a row of what `read_track` and `read_features` kept."""
    known = {name: value for name, value in track.items() if name != "id"}
    about = {
        "track_id": f"spotify:{track['id']}",
        "source": "spotify",
        "source_id": track["id"],
        "licence": LICENCE,
        "ml_use": RESTRICTED,
    }
    return Row(
        {**about, **known, **(features or {})},
        provenance={"year": "Spotify's release date of the album"} | dict.fromkeys(features or {}, MODELLED),
    )


def _failed(where: str, reason: str, message: str) -> dict[str, Any]:
    return {"failure": failure(where, reason, message)}


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(milliseconds: Any) -> float | None:
    number = _number(milliseconds, 1.0, LONGEST_MS)
    return None if number is None else number / MILLISECONDS


def _number(value: Any, low: float, high: float) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high  # NaN never does
    return float(value) if fits else None
