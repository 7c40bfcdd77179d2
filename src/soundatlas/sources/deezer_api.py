"""Deezer's public API: a track by ISRC, or the one that is most alike by artist and title."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz

from soundatlas.errors import RefusedError, TrackError, WebError
from soundatlas.sources.rows import TEMPI_BPM
from soundatlas.sources.web.pause import Pause
from soundatlas.sources.web.site import Site, base_url
from soundatlas.sources.web.words import clean_isrc, clean_text, year_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.sources.web.client import WebClient
    from soundatlas.sources.web.look_up import Target

URL_VARIABLE, URL = "SOUNDATLAS_DEEZER_API_URL", "https://api.deezer.com"
PREVIEW_HOSTS = (".dzcdn.net", ".deezer.com")
RATE = (50, 5.0)
QUOTA, NO_DATA, NOT_FOUND = 4, 800, 404  # the first two are Deezer's own codes, in answers with status 200
QUOTA_SECONDS = 5.0
HITS = 5
APART_SECONDS = 10.0  # two recordings of one title whose lengths differ more are not the same
LONGEST_ID = 20
ASIDES = re.compile(r"[(\[].*?[)\]]|\s[-\N{EN DASH}]\s.*")
VERSIONS = {"acoustic", "cover", "demo", "instrumental", "karaoke", "live", "mix", "orchestral", "remix", "unplugged"}


@dataclass(frozen=True)
class Found:
    """A track at Deezer.

    Attributes:
        about: what may be kept of it: "id", "match" and columns of `tables.TRACKS`.
        preview: the signed address of its preview, which dies in minutes and is never kept; empty where there is none.
    """

    about: dict[str, Any]
    preview: str


class DeezerApi:
    """Finds tracks.

    Args:
        environ: for the address of the API.
        client: through which all goes.
        min_match: of a track that is found by name, how alike artist and title must be, 0 to 1.
    """

    def __init__(self, environ: Mapping[str, str], client: WebClient, *, min_match: float) -> None:
        self.client = client
        self._url, self._min_match = base_url(environ, URL_VARIABLE, URL), min_match

    def find(self, target: Target) -> Found:
        """Return what is known of a track.

        Raises:
            TrackError: reason "not_found": Deezer does not have it, or nothing that is alike enough.
        """
        if target.isrc:
            return self._track(f"isrc:{target.isrc}", None)
        best, match = self._most_alike(target)
        return self._track(best, match)

    def again(self, found: Found) -> Found:
        """Return a track with a fresh address of its preview."""
        return self._track(found.about["id"], found.about["match"])

    def _track(self, name: str, match: float | None) -> Found:
        try:
            answer = self.client.get_json(f"{self._url}/track/{name}")
        except RefusedError as refusal:
            if refusal.status not in {NO_DATA, NOT_FOUND}:
                raise
            raise TrackError("not_found", "Deezer does not have it") from None
        return read_track(answer, match)

    def _most_alike(self, target: Target) -> tuple[str, float]:
        names = [name.replace('"', " ") for name in (target.artist or "", target.title or "")]
        query = f'artist:"{names[0]}" track:"{names[1]}"'
        answer = self.client.get_json(f"{self._url}/search", {"q": query, "limit": HITS})
        hits = answer["data"] if isinstance(answer.get("data"), list) else []
        scored = [(likeness(target, hit), hit.get("id")) for hit in hits if isinstance(hit, dict)]
        best, track = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        if best < self._min_match or not isinstance(track, int):
            raise TrackError("not_found", f"Deezer has nothing that is alike enough (best match {best:.2f})")
        return str(track), best


def make_site(environ: Mapping[str, str]) -> Site:
    """Return Deezer's addresses and manners."""
    url = base_url(environ, URL_VARIABLE, URL)
    return Site("deezer", (url,), hosts=PREVIEW_HOSTS, rate=RATE, judge=judge)


def judge(answer: Any) -> None:
    """Raise what an answer with status 200 means: Deezer tells its errors in the body."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not error:
        return
    code = error.get("code") if isinstance(error, dict) else None
    said = clean_text(error.get("message") if isinstance(error, dict) else error) or "an error"
    if code == QUOTA:
        raise Pause(QUOTA_SECONDS)
    status = code if isinstance(code, int) else 0
    raise RefusedError(f"deezer answers: {said} (code {status})", status=status, said=said)


def read_track(answer: Mapping[str, Any], match: float | None) -> Found:
    """Keep of an answer what the catalogue needs.

    Raises:
        WebError: when it is no track.
    """
    track, bpm = answer.get("id"), answer.get("bpm")
    if not isinstance(track, int) or len(str(track)) > LONGEST_ID:
        raise WebError("deezer sends a track without an id", "bad_answer")
    artist, album = (answer[name] if isinstance(answer.get(name), dict) else {} for name in ("artist", "album"))
    preview = answer.get("preview")
    has_bpm = isinstance(bpm, int | float) and TEMPI_BPM[0] <= bpm <= TEMPI_BPM[1]
    about = {
        "id": str(track),
        "match": match,
        "artist": clean_text(artist.get("name")),
        "title": clean_text(answer.get("title")),
        "album": clean_text(album.get("title")),
        "isrc": clean_isrc(answer.get("isrc")),
        "year": year_of(answer.get("release_date")),
        "tempo_bpm": float(bpm) if has_bpm else None,  # type: ignore[arg-type]  # Deezer writes 0 where it knows none
    }
    return Found(about, preview if isinstance(preview, str) else "")


def likeness(target: Target, hit: Mapping[str, Any]) -> float:
    """Return how alike a hit is, 0 to 1: the lesser of artist's and title's; 0 when the lengths are too far apart.

    Words are compared whatever their order, case and accents. What stands in brackets or after a dash, such as
    "(Remastered 2011)", does not count, unless it says that it is another recording, such as "(Live)".
    """
    artist = hit["artist"] if isinstance(hit.get("artist"), dict) else {}
    seconds = hit.get("duration")
    if (
        target.duration_seconds is not None
        and isinstance(seconds, int | float)
        and abs(seconds - target.duration_seconds) > APART_SECONDS
    ):
        return 0.0
    titles = (target.title or "", clean_text(hit.get("title")) or "")
    if len({frozenset(VERSIONS & set(_folded(title).split())) for title in titles}) > 1:
        return 0.0
    bare = (ASIDES.sub(" ", title).strip() or title for title in titles)
    return min(_alike(target.artist or "", clean_text(artist.get("name")) or ""), _alike(*bare))


def _alike(one: str, other: str) -> float:
    return float(fuzz.token_sort_ratio(_folded(one), _folded(other))) / 100


def _folded(text: str) -> str:
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)).casefold()
    return " ".join(re.findall(r"\w+", bare)) or bare  # "!!!" is a band
