"""Deezer: a preview of 30 s and the year, for tracks of other sources that have no audio. Not for commercial use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError
from soundatlas.sources.base import AUDIO, SAME_AS, Listing, Offer, Ready
from soundatlas.sources.deezer_api import DeezerApi, make_site
from soundatlas.sources.deezer_preview import keep_preview
from soundatlas.sources.inspection import inspect_files
from soundatlas.sources.rows import Row, build_listing, failure
from soundatlas.sources.web.client import Timeouts, WebClient
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.look_up import Target, Told, look_up
from soundatlas.sources.web.memory import open_memory
from soundatlas.sources.web.targets import find_targets
from soundatlas.sources.web.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from soundatlas.source_params import DeezerSourceParams
    from soundatlas.sources.base import IngestContext

LICENCE, UNKNOWN, RESTRICTED = "Deezer's terms: not for commercial use", "unknown", "restricted"
LABELLED = ("artist", "title", "album", "isrc", "year", "tempo_bpm")
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
        told = look_up(
            targets,
            ask,
            memory,
            site="deezer",
            usable=_usable(context),
            remembered_as=lambda target: _remembered_as(target, config.min_match),
        )
    listing = build_listing(*_sound_rows(told, context))
    listing.counts = {"asked about": len(targets), "requests made": client.requests_made}
    listing.resume_after = told.resume_after
    return listing


def _remembered_as(target: Target, min_match: float) -> str:
    """Return where an answer is remembered: what was found by name is alike enough for that `min_match` alone."""
    return target.key if target.isrc else f"{target.key}\n{min_match}"


def _usable(context: IngestContext) -> Callable[[dict[str, Any]], bool]:
    """Return whether a preview lies in the store still; one that the user has denied is not fetched again.

    An id denies the first track alone that has this preview, as `_row` gives it to that one.
    """
    seen: set[str] = set()

    def is_there(found: Mapping[str, Any]) -> bool:
        track_id = f"deezer:{found['id']}"
        denied = track_id in context.denied.track_ids - seen or found["audio_sha256"] in context.denied.shas
        seen.add(track_id)
        return denied or context.store.holds(found["path"])

    return is_there


def _sound_rows(told: Told, context: IngestContext) -> tuple[Iterable[Row], list[dict[str, str]]]:
    """Return rows of the previews that are sound all through, and failures of the others."""
    files = {found["audio_sha256"]: context.root / found["path"] for _, found in told.found}
    looked = inspect_files(
        {sha: path for sha, path in files.items() if path.is_file()}, context.limits, context.memory / "looked.parquet"
    )
    rows: dict[str, Row] = {}
    failures = list(told.failures)
    for target, found in told.found:
        seen = looked.get(found["audio_sha256"])
        if seen is not None and seen.failure is not None:
            failures.append(failure(f"deezer:{target.track_id}", *seen.failure))
            continue
        row = _row(target, found, taken=rows)
        rows[row.track["track_id"]] = row
    return rows.values(), failures


def _row(target: Target, found: dict[str, Any], taken: Mapping[str, Row]) -> Row:
    """Make a row; where Deezer has one track for two of ours, the second one's id tells whose it is.

    What was found by a row that must not be learnt from must not be either: audio from elsewhere makes no content of
    Spotify free.
    """
    source_id = found["id"] if f"deezer:{found['id']}" not in taken else f"{found['id']} {target.track_id}"
    ml_use = RESTRICTED if target.ml_use == RESTRICTED else UNKNOWN
    how = "by ISRC" if found["match"] is None else f"by artist and title, match {found['match']:.2f}"
    names = ("path", "audio_sha256", "duration_seconds", *LABELLED)
    about = {"track_id": f"deezer:{source_id}", "source": "deezer", "source_id": source_id, SAME_AS: target.track_id}
    return Row(
        {**about, "licence": LICENCE, "ml_use": ml_use, **{name: found[name] for name in names}},
        provenance=dict.fromkeys(LABELLED, f"Deezer, {how}"),
        licences=dict.fromkeys(LABELLED, (LICENCE, UNKNOWN)),
    )
