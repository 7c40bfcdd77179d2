"""Spotify's Web API through spotipy: what a refusal means, and a token that is renewed once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import spotipy

from soundatlas.errors import NotReadyError, RefusedError, WebError
from soundatlas.sources.spotify_account import ENDED, LOG_IN
from soundatlas.sources.web.site import base_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from soundatlas.sources.spotify_account import Account
    from soundatlas.sources.web.client import WebClient

API_URL_VARIABLE, API_URL, VERSION = "SOUNDATLAS_SPOTIFY_API_URL", "https://api.spotify.com", "/v1"
PAGE_ROWS, SEARCH_ROWS, FEATURE_IDS = 50, 10, 100  # the most that one request may ask for
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
REFUSED_EVERYTHING = {  # a word of a 403's text, and what it means whatever was asked for
    "premium": "Spotify refuses this app everything",
    "registered": "Spotify refuses a user whom the app's owner has not listed in it",
}


class SpotifyApi:
    """The few calls that a catalogue needs; a page begins where we say, no address that an answer names is followed.

    Args:
        environ: for the address of the API.
        client: through which all goes.
        account: who asks.
    """

    def __init__(self, environ: Mapping[str, str], client: WebClient, account: Account) -> None:
        self._account = account
        self._spotipy = spotipy.Spotify(auth_manager=account.manager, requests_session=client)
        self._spotipy.prefix = api_url(environ) + "/"

    def playlist_page(self, playlist: str, offset: int) -> dict[str, Any]:
        """Return a page of a playlist's entries."""
        return self._call(lambda: self._spotipy.playlist_items(playlist, limit=PAGE_ROWS, offset=offset))

    def saved_page(self, offset: int) -> dict[str, Any]:
        """Return a page of the user's saved tracks."""
        return self._call(lambda: self._spotipy.current_user_saved_tracks(limit=PAGE_ROWS, offset=offset))

    def search_page(self, text: str, offset: int) -> dict[str, Any]:
        """Return a page of the tracks that a search finds."""
        answer = self._call(lambda: self._spotipy.search(text, limit=SEARCH_ROWS, offset=offset, type="track"))
        page = answer.get("tracks")
        return page if isinstance(page, dict) else {}

    def track(self, track: str) -> dict[str, Any]:
        """Return a single track."""
        return self._call(lambda: self._spotipy.track(track))

    def audio_features(self, tracks: Sequence[str]) -> list[Any]:
        """Return the audio features of up to 100 tracks, in their order; None where there are none.

        Raises:
            RefusedError: with status 403, to an app that is not allowed them.
        """
        answer = self._call(lambda: {"features": self._spotipy.audio_features(list(tracks))})["features"]
        if not isinstance(answer, list) or len(answer) != len(tracks):
            raise WebError("spotify sends other audio features than were asked for", "bad_answer")
        return answer

    def _call(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return self._ask_with_token(ask)
        except RefusedError as refusal:
            raise self._meaning(refusal) from None

    def _ask_with_token(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._get_token(self._account.token)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an old app may have what spotipy calls gone
            try:
                return ask()
            except RefusedError as refusal:
                if refusal.status != UNAUTHORIZED or _wants_user(refusal):
                    raise
            self._get_token(self._account.renew)
            return ask()

    def _get_token(self, get: Callable[[], object]) -> None:
        """Get a token; a refusal of the token service says nothing of what is asked for with it."""
        try:
            get()
        except RefusedError as refusal:
            meaning = self._meaning(refusal)
            if meaning is refusal:
                said = refusal.said or refusal.code or "without a word"
                meaning = NotReadyError(f"Spotify gives no token ({refusal.status}: {said}): try later, or {LOG_IN}")
            raise meaning from None

    def _meaning(self, refusal: RefusedError) -> Exception:
        """Return the error that says what to do about a refusal; the refusal itself where that is the caller's."""
        said = refusal.said.lower()
        for word, meaning in REFUSED_EVERYTHING.items():
            if refusal.status == FORBIDDEN and word in said:
                return NotReadyError(f"{meaning}: {refusal.said}")
        if refusal.code == ENDED:
            return NotReadyError(f"the Spotify login has ended ({refusal.said or ENDED}): {LOG_IN} again")
        if refusal.code in {"invalid_client", "unauthorized_client"}:
            return NotReadyError("Spotify does not know this app: check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET")
        if refusal.status == UNAUTHORIZED and _wants_user(refusal):
            return NotReadyError(f"Spotify needs a user login for this: {LOG_IN}")
        if refusal.status == UNAUTHORIZED:
            return NotReadyError(f"Spotify refuses a new token as well ({refusal.said}): {LOG_IN} again")
        return refusal


def api_url(environ: Mapping[str, str]) -> str:
    """Return the address of the Web API, with its version."""
    url = base_url(environ, API_URL_VARIABLE, API_URL)
    return url if url.endswith(VERSION) else url + VERSION


def _wants_user(refusal: RefusedError) -> bool:
    return "valid user authentication" in refusal.said.lower()
