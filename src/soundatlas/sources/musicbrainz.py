"""MusicBrainz: year and genre of tracks that have an ISRC, one request a second."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError, TrackError
from soundatlas.sources.base import SAME_AS, Listing, Offer, Ready
from soundatlas.sources.rows import Row, build_listing
from soundatlas.sources.web.client import Timeouts, WebClient
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.look_up import Target, look_up
from soundatlas.sources.web.memory import open_memory
from soundatlas.sources.web.site import Site, base_url
from soundatlas.sources.web.targets import find_targets
from soundatlas.sources.web.telling import tell
from soundatlas.sources.web.words import clean_text, year_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.source_params import MusicbrainzSourceParams
    from soundatlas.sources.base import IngestContext

URL_VARIABLE, URL, VERSION = "SOUNDATLAS_MUSICBRAINZ_API_URL", "https://musicbrainz.org", "/ws/2"
CONTACT = "SOUNDATLAS_CONTACT"
NO_CONTACT = f"{CONTACT} is not set: MusicBrainz asks for an e-mail address or a page where it can reach you"
RATE = (1, 1.0)
CORE, TAGS = ("CC0 1.0", "allowed"), ("CC BY-NC-SA 3.0", "unknown")
OFFER = Offer(
    name="musicbrainz",
    about="year and genre of tracks that have an ISRC",
    gives=("year", "genre"),
    licence=f"{CORE[0]}; genres {TAGS[0]}",
    ml_use=CORE[1],
    needs=(CONTACT,),
    enriches=True,
)


def readiness(config: MusicbrainzSourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether there is a contact to name."""
    del config
    contact = _contact(environ)
    return Ready(ready=bool(contact), message="" if contact else NO_CONTACT)


def ingest(config: MusicbrainzSourceParams, context: IngestContext) -> Listing:
    """Ask about each known track that has an ISRC and lacks a year or a genre.

    Raises:
        NotReadyError: without a contact.
        QuotaError: before the time that MusicBrainz has set.
        WebError: when it cannot be reached; the next run goes on from there.
    """
    del config
    return list_musicbrainz(context, Clock())


def list_musicbrainz(context: IngestContext, clock: Clock, timeouts: Timeouts | None = None) -> Listing:
    """List as `ingest` does, by a clock and with a patience of the caller's."""
    contact = _contact(context.environ)
    if not contact:
        raise NotReadyError(NO_CONTACT)
    url = base_url(context.environ, URL_VARIABLE, URL)
    api = url if url.endswith(VERSION) else url + VERSION
    site = Site("musicbrainz", (url,), rate=RATE, user_agent=f"soundatlas/{version('soundatlas')} ( {contact} )")
    client = WebClient(site, clock=clock, timeouts=timeouts, tell=tell)
    targets = find_targets(context.known_tracks, ("year", "genre"), by_name=False)
    with client, open_memory(context.memory, clock) as memory:
        memory.refuse_before_quota_ends("musicbrainz", context.previous)
        told = look_up(targets, lambda target: _ask(target, client, api), memory, site="musicbrainz")
    listing = build_listing((_row(target, found) for target, found in told.found), told.failures)
    listing.counts = {"asked about": len(targets), "requests made": client.requests_made}
    listing.resume_after = told.resume_after
    return listing


def read_recordings(answer: Any) -> dict[str, Any] | None:
    """Keep of an answer about an ISRC the earliest year and the genre that most people chose; None without either."""
    recordings = answer.get("recordings") if isinstance(answer, dict) else None
    listed = [one for one in recordings if isinstance(one, dict)] if isinstance(recordings, list) else []
    years = [year for one in listed if (year := year_of(one.get("first-release-date")))]
    votes: dict[str, int] = {}
    for one in listed:
        for genre in one["genres"] if isinstance(one.get("genres"), list) else []:
            name, count = (clean_text(genre.get("name")), genre.get("count")) if isinstance(genre, dict) else (None, 0)
            if name:
                votes[name] = votes.get(name, 0) + (count if isinstance(count, int) else 0)
    best = min(votes, key=lambda name: (-votes[name], name)) if votes else None
    ids = [found for one in listed if (found := clean_text(one.get("id")))]
    return {"id": ids[0], "year": min(years, default=None), "genre": best} if ids and (years or best) else None


def _contact(environ: Mapping[str, str]) -> str:
    """Return the contact as a header may hold it."""
    contact = environ.get(CONTACT, "").strip()
    return contact if contact.isascii() and contact.isprintable() else ""


def _ask(target: Target, client: WebClient, api: str) -> dict[str, Any]:
    found = read_recordings(client.get_json(f"{api}/isrc/{target.isrc}", {"inc": "genres", "fmt": "json"}))
    if found is None:
        raise TrackError("not_found", "MusicBrainz knows neither year nor genre")
    return found


def _row(target: Target, found: dict[str, Any]) -> Row:
    about = {"source": "musicbrainz", "source_id": f"{found['id']} {target.isrc}", SAME_AS: target.track_id}
    return Row(
        {
            **about,
            "track_id": f"musicbrainz:{about['source_id']}",
            "licence": CORE[0],
            "ml_use": CORE[1],
            "isrc": target.isrc,
            "year": found["year"],
            "genre": found["genre"],
        },
        provenance={"year": "MusicBrainz's first release date", "genre": "MusicBrainz's genre with the most votes"},
        licences={"genre": TAGS},
    )
