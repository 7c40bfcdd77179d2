"""Deezer: a preview of 30 s and the year, for tracks of other sources that have no audio. Not for commercial use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError
from soundatlas.sources.base import AUDIO, SAME_AS, Listing, Offer, Ready
from soundatlas.sources.deezer_api import URL_VARIABLE, DeezerApi, make_site
from soundatlas.sources.deezer_preview import keep_preview
from soundatlas.sources.rows import Row, build_listing
from soundatlas.sources.web.client import Timeouts, WebClient
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.look_up import Target, look_up
from soundatlas.sources.web.memory import open_memory
from soundatlas.sources.web.targets import find_targets
from soundatlas.sources.web.telling import tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.source_params import DeezerSourceParams
    from soundatlas.sources.base import IngestContext

LICENCE, UNKNOWN = "Deezer's terms: not for commercial use", "unknown"
NOT_ASKED_FOR = "Deezer is for non-commercial use alone: say `non_commercial: true` in catalog.sources if yours is"
OFFER = Offer(
    name="deezer",
    about="previews of 30 s and release years for tracks without audio",
    gives=(AUDIO, "year", "tempo_bpm"),
    licence=LICENCE,
    ml_use=UNKNOWN,
    needs=("non_commercial: true in params.yaml",),
    enriches=True,
)
__all__ = ["OFFER", "URL_VARIABLE", "ingest", "list_deezer", "readiness"]


def readiness(config: DeezerSourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether the user has said that their use is not commercial."""
    del environ
    return Ready(ready=config is not None, message="" if config is not None else NOT_ASKED_FOR)


def ingest(config: DeezerSourceParams, context: IngestContext) -> Listing:
    """Find each known track that has no audio, and fetch its preview.

    Raises:
        NotReadyError: without the user's word on their use.
        QuotaError: before the time that Deezer has set.
        WebError: when it cannot be reached; the next run goes on from there.
        SoundatlasError: when the disk is full.
    """
    return list_deezer(config, context, Clock())


def list_deezer(
    config: DeezerSourceParams, context: IngestContext, clock: Clock, timeouts: Timeouts | None = None
) -> Listing:
    """List as `ingest` does, by a clock and with a patience of the caller's."""
    if not config.non_commercial:
        raise NotReadyError(NOT_ASKED_FOR)
    client = WebClient(make_site(context.environ), clock=clock, timeouts=timeouts, tell=tell)
    api = DeezerApi(context.environ, client, min_match=config.min_match)
    targets = find_targets(context.known_tracks, ("path",), by_name=True)

    def ask(target: Target) -> dict[str, Any]:
        found = api.find(target)
        return found.about | keep_preview(found, api, context)

    with client, open_memory(context.memory, clock) as memory:
        memory.refuse_before_quota_ends("deezer", context.previous)
        told = look_up(targets, ask, memory, site="deezer", usable=lambda found: context.store.holds(found["path"]))
    rows: dict[str, Row] = {}
    for target, found in told.found:
        row = _row(target, found, taken=rows)
        rows[row.track["track_id"]] = row
    listing = build_listing(rows.values(), told.failures)
    listing.counts = {"asked about": len(targets), "requests made": client.requests_made}
    listing.resume_after = told.resume_after
    return listing


def _row(target: Target, found: dict[str, Any], taken: Mapping[str, Row]) -> Row:
    """Make a row; where Deezer has one track for two of ours, the second one's id tells whose it is."""
    source_id = found["id"] if f"deezer:{found['id']}" not in taken else f"{found['id']} {target.track_id}"
    how = "by ISRC" if found["match"] is None else f"by artist and title, match {found['match']:.2f}"
    names = ("path", "audio_sha256", "duration_seconds", "artist", "title", "album", "isrc", "year", "tempo_bpm")
    about = {"track_id": f"deezer:{source_id}", "source": "deezer", "source_id": source_id, SAME_AS: target.track_id}
    return Row(
        {**about, "licence": LICENCE, "ml_use": UNKNOWN, **{name: found[name] for name in names}},
        provenance=dict.fromkeys(("artist", "title", "album", "isrc", "year", "tempo_bpm"), f"Deezer, {how}"),
    )
