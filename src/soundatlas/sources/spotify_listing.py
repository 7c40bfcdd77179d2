"""What a playlist, a library or a search lists, page by page, each page remembered as soon as it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError, RefusedError, WebError
from soundatlas.progress import progress
from soundatlas.sources.rows import failure
from soundatlas.sources.spotify_account import LOG_IN
from soundatlas.sources.spotify_api import FORBIDDEN, NOT_FOUND
from soundatlas.sources.spotify_rows import read_entry, read_track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundatlas.sources.spotify_api import SpotifyApi
    from soundatlas.sources.web.memory import Memory

FRESH_SECONDS = 86_400.0  # for how long a listing is taken as it was
MOST_ROWS, MOST_HITS = 100_000, 50
CLIENT_FAULTS = (400, FORBIDDEN, NOT_FOUND)


@dataclass(frozen=True)
class Query:
    """Something to ask Spotify for.

    Attributes:
        kind: "saved", "playlist", "track" or "search".
        key: an id or a text; of "saved", nothing.
        asker: as `spotify_account.asker`; what one is refused, another may have.
    """

    kind: str
    key: str
    asker: str

    @property
    def name(self) -> str:
        """What to call it in messages and failures, as Spotify's own URIs do."""
        return "spotify:saved" if self.kind == "saved" else f"spotify:{self.kind}:{self.key}"

    @property
    def pages_key(self) -> str:
        """Where its pages are remembered."""
        return f"page {self.asker} {self.kind} {self.key}\n"

    @property
    def whole_key(self) -> str:
        """Where it is remembered that all its pages are there."""
        return f"whole {self.asker} {self.kind} {self.key}\n"


def list_queries(queries: Sequence[Query], api: SpotifyApi, memory: Memory) -> None:
    """Ask for the pages that are not remembered; afterwards `recall_entries` gives them all.

    A listing that was begun is taken up where it stopped, unless its length has changed since; one that is whole is
    asked for anew after 24 hours, and is there as it was until its first new page has come.
    """
    asked = [query for query in queries if memory.recall(query.whole_key, max_age_seconds=FRESH_SECONDS) is None]
    for query in asked:
        if query.kind != "track":
            _list_pages(query, api, memory)
    singles = [query for query in asked if query.kind == "track"]
    with progress("asking for single tracks", len(singles)) as advance:
        for query in singles:
            _keep_alone(query, _track(query, api), memory)
            advance()


def recall_entries(query: Query, memory: Memory) -> list[dict[str, Any]]:
    """Return what is known of a query: tracks as `read_track` gives them, and failures."""
    pages = memory.recall_all(query.pages_key)
    return [entry for offset in sorted(pages, key=int) for entry in pages[offset]["entries"]]


def _list_pages(query: Query, api: SpotifyApi, memory: Memory) -> None:
    try:
        _walk(query, api, memory)
    except RefusedError as refusal:
        if refusal.status not in CLIENT_FAULTS:
            raise
        if query.kind == "saved" and refusal.status == FORBIDDEN:
            raise NotReadyError(f"Spotify refuses your saved tracks ({refusal.said or FORBIDDEN}): {LOG_IN}") from None
        memory.forget(query.whole_key)
        memory.forget(query.pages_key)
        _keep_alone(query, _refused(query, refusal), memory)


def _keep_alone(query: Query, entry: dict[str, Any], memory: Memory) -> None:
    """Keep what a query has as a single entry; what is not granted is asked for again by the next run."""
    refused = "failure" in entry and entry["failure"]["reason"] == "not_granted"
    memory.keep({f"{query.pages_key}0": {"entries": [entry]}} | ({} if refused else {query.whole_key: True}))


def _walk(query: Query, api: SpotifyApi, memory: Memory) -> None:
    most = MOST_HITS if query.kind == "search" else MOST_ROWS
    pages = {} if memory.recall(query.whole_key) is not None else memory.recall_all(query.pages_key)
    if "total" not in pages.get("0", {}):  # nothing yet, or a refusal
        pages = {}
    offset = sum(len(page["entries"]) for page in pages.values())
    known_total = pages["0"]["total"] if pages else None
    page = _page(query, api, offset)
    if known_total is not None and page["total"] != known_total:  # it has changed: what was an offset is another now
        offset, page = 0, _page(query, api, 0)
    if offset == 0:
        memory.forget(query.whole_key)
        memory.forget(query.pages_key)
    total = min(page["total"], most)
    with progress(f"asking for {query.name}", total) as advance:
        advance(offset)
        while True:
            came = len(page["entries"])  # a page may be shorter than it was asked to be
            ends = not page["more"] or offset + came >= total
            if ends and offset + came < total and query.kind != "search":  # of a search, it is a guess of Spotify's
                said = f"Spotify counts {total} entries here and sends {offset + came} of them"
                page["entries"].append({"failure": failure(query.name, "bad_answer", said)})
            memory.keep({f"{query.pages_key}{offset}": page} | ({query.whole_key: True} if ends else {}))
            advance(came)
            if ends:
                return
            offset += came
            page = _page(query, api, offset)


def _page(query: Query, api: SpotifyApi, offset: int) -> dict[str, Any]:
    """Return a page as it is remembered.

    Raises:
        WebError: when it is none.
    """
    match query.kind:
        case "playlist":
            answer = api.playlist_page(query.key, offset)
        case "saved":
            answer = api.saved_page(offset)
        case _:
            answer = api.search_page(query.key, offset)
    items, total = answer.get("items"), answer.get("total")
    if items is None and query.kind == "playlist":  # what a new app gets of a playlist that is not the user's
        raise RefusedError("without items", status=FORBIDDEN, said="the answer has no items")
    if not isinstance(items, list):
        raise WebError(f"spotify sends no list for {query.name}", "bad_answer")
    read = read_track if query.kind == "search" else read_entry
    whole = isinstance(total, int) and not isinstance(total, bool) and total >= 0
    return {
        "entries": [read(item, f"{query.name}#{offset + position}") for position, item in enumerate(items, start=1)],
        "total": total if whole else offset + len(items),
        "more": bool(items) and bool(answer.get("next")),
    }


def _track(query: Query, api: SpotifyApi) -> dict[str, Any]:
    try:
        return read_track(api.track(query.key), query.name)
    except RefusedError as refusal:
        if refusal.status not in CLIENT_FAULTS:
            raise
        return _refused(query, refusal)


def _refused(query: Query, refusal: RefusedError) -> dict[str, Any]:
    if refusal.status == NOT_FOUND:
        return {"failure": failure(query.name, "not_found", "Spotify does not know it")}
    said = f"({refusal.status}{f': {refusal.said}' if refusal.said else ''})"
    why = "Spotify gives only playlists that you own or share" if query.kind == "playlist" else "Spotify refuses it"
    return {"failure": failure(query.name, "not_granted", f"{why} {said}")}
