"""Spotify: playlists and saved tracks of the user, single tracks, and what searches find. Metadata, no audio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.errors import QuotaError
from soundatlas.sources.base import Listing, Offer, Ready
from soundatlas.sources.rows import build_listing
from soundatlas.sources.spotify_account import asker, find_account, missing_for, token_url
from soundatlas.sources.spotify_api import SpotifyApi, api_url
from soundatlas.sources.spotify_features import recall_features, remember_features
from soundatlas.sources.spotify_listing import Query, list_queries, recall_entries
from soundatlas.sources.spotify_rows import LICENCE, RESTRICTED, build_row
from soundatlas.sources.web.client import WebClient
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.memory import open_memory
from soundatlas.sources.web.site import Site
from soundatlas.sources.web.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soundatlas.source_params import SpotifySourceParams
    from soundatlas.sources.base import IngestContext
    from soundatlas.sources.web.client import Timeouts
    from soundatlas.sources.web.memory import Memory

OFFER = Offer(
    name="spotify",
    about="your playlists and saved tracks, single tracks, searches",
    gives=("artist", "album", "title", "year", "isrc", "duration_seconds", "audio features where an app has them"),
    licence=LICENCE,
    ml_use=RESTRICTED,
    needs=("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET, or `soundatlas login spotify` for playlists and saved tracks"),
)
FEATURES = "audio features"


def readiness(config: SpotifySourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether Spotify could be asked now: is there an app, and a login where one is needed?"""
    missing = missing_for(environ, needs_user=config is not None and _needs_user(config))
    return Ready(ready=not missing, message=missing)


def ingest(config: SpotifySourceParams, context: IngestContext) -> Listing:
    """List what `config` names; what was told in the last 24 hours is not asked for again.

    Raises:
        NotReadyError: without an app, a login, or Spotify Premium of the app's owner; where the app's owner has not
            listed the user.
        QuotaError: before the time that Spotify has set; nothing was asked.
        WebError: when it cannot be reached; the next run goes on from there.
    """
    return list_spotify(config, context, Clock())


def list_spotify(
    config: SpotifySourceParams, context: IngestContext, clock: Clock, timeouts: Timeouts | None = None
) -> Listing:
    """List as `ingest` does, by a clock and with a patience of the caller's."""
    site = Site("spotify", (api_url(context.environ), token_url(context.environ)))
    client = WebClient(site, clock=clock, timeouts=timeouts, tell=tell)
    who = asker(context.environ)
    queries = _queries(config, who)
    with client, open_memory(context.memory, clock) as memory:
        memory.refuse_before_quota_ends("spotify", context.previous)
        account = find_account(context.environ, client, needs_user=_needs_user(config))
        memory.forget_if_wanted()
        api, resume_after, granted = SpotifyApi(context.environ, client, account), None, "not asked for"
        try:
            list_queries(queries, api, memory)
            granted = remember_features(_ids(memory, queries), api, memory, who)
        except QuotaError as quota:
            memory.remember_quota(quota.resume_after)
            resume_after = quota.resume_after
        listing = _listing(memory, queries)
    listing.capabilities = {
        "who asks": "the user who logged in" if account.is_user else "the app alone",
        FEATURES: granted,
    }
    listing.counts["requests made"] = client.requests_made
    listing.notes = [f"{FEATURES}: {granted}"]
    if not client.requests_made:
        listing.notes.append("Spotify told all of it within the last 24 hours and was not asked: --refresh asks anew")
    listing.resume_after = resume_after
    return listing


def _listing(memory: Memory, queries: Iterable[Query]) -> Listing:
    """Build a listing of all that Spotify has told of some queries: each track once, whoever lists it."""
    tracks: dict[str, dict[str, Any]] = {}
    failures, entries = [], 0
    for query in queries:
        for entry in recall_entries(query, memory):
            entries += 1
            if "failure" in entry:
                failures.append(entry["failure"])
            else:
                tracks.setdefault(entry["id"], entry)
    features = recall_features(memory)
    listing = build_listing((build_row(track, features.get(key)) for key, track in tracks.items()), failures)
    listing.counts = {"entries": entries, "listed more than once": entries - len(failures) - len(tracks)}
    return listing


def _ids(memory: Memory, queries: Iterable[Query]) -> list[str]:
    entries = (entry for query in queries for entry in recall_entries(query, memory))
    return sorted({entry["id"] for entry in entries if "id" in entry})


def _needs_user(config: SpotifySourceParams) -> bool:
    return bool(config.playlists) or config.saved


def _queries(config: SpotifySourceParams, who: str) -> list[Query]:
    return [
        *([Query("saved", "", who)] if config.saved else []),
        *(Query("playlist", bare_id(playlist), who) for playlist in config.playlists),
        *(Query("track", bare_id(track), who) for track in config.tracks),
        *(Query("search", text, who) for text in config.search),
    ]


def bare_id(written: str) -> str:
    """Return the id in a Spotify URI or link, or the id itself."""
    return written.partition("?")[0].rpartition("/")[2].rpartition(":")[2]
