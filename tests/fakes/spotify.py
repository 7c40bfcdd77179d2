"""Spotify as it answers today: token service and Web API, in the profiles that apps and users meet.

dev2026: a new app; extended: an old one with extended quota; no_premium: its owner has no Premium; quota: all is used
up after some requests; expired: each first token of a login has expired before its time.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlencode

from tests.fakes.server import Answer, Asked, FakeServer, hanging

PROFILES = ("dev2026", "extended", "no_premium", "quota", "expired")
CLIENT_ID, CLIENT_SECRET = "a-client-id", "a-client-secret"
USER, SOMEBODY = "me", "somebody"


def spotify_id(number: int) -> str:
    """The id of a track, playlist or album, 22 characters long."""
    return f"{number:022d}"


def track(number: int, **changes: Any) -> dict[str, Any]:
    """A track object as a new app gets it: with ISRC; without popularity, markets and preview."""
    return {
        "album": {
            "album_type": "album",
            "artists": [{"id": spotify_id(number // 10), "name": f"Artist {number // 10}", "type": "artist"}],
            "id": spotify_id(number // 5),
            "name": f"Album {number // 5}",
            "release_date": f"{1960 + number % 60}-05-21",
            "release_date_precision": "day",
            "total_tracks": 10,
            "type": "album",
        },
        "artists": [{"id": spotify_id(number // 10), "name": f"Artist {number // 10}", "type": "artist"}],
        "disc_number": 1,
        "duration_ms": 180_000 + number,
        "explicit": False,
        "external_ids": {"isrc": f"USRC1{number:07d}"},
        "id": spotify_id(number),
        "is_local": False,
        "name": f"Title {number}",
        "track_number": 1 + number % 10,
        "type": "track",
        "uri": f"spotify:track:{spotify_id(number)}",
    } | changes


def features(number: int) -> dict[str, Any]:
    """An audio-features object."""
    return {
        "acousticness": 0.1,
        "danceability": 0.5,
        "duration_ms": 180_000,
        "energy": 0.6,
        "id": spotify_id(number),
        "instrumentalness": 0.0,
        "key": number % 13 - 1,
        "liveness": 0.1,
        "loudness": -7.5,
        "mode": number % 2,
        "speechiness": 0.05,
        "tempo": 120.0,
        "time_signature": 4,
        "type": "audio_features",
        "valence": 0.4,
    }


def refusal(status: int, message: str | None = None, **more: Any) -> Answer:
    """An error of the Web API."""
    words = {} if message is None else {"message": message}
    return Answer(status=status, body={"error": {"status": status, **words, **more}})


class FakeSpotify(FakeServer):
    """Spotify.

    Args:
        profile: one of `PROFILES`.

    Attributes:
        playlists: id -> (owner, what it lists).
        saved: the user's library.
        left: requests to the Web API until the quota is used up, in profile "quota".
        quota_seconds: of its Retry-After.
        refresh_tokens: that are accepted.
        scope: that a user grants.
        hanging_offset: of the page that is never sent.
    """

    def __init__(self, profile: str = "dev2026") -> None:
        super().__init__()
        self.profile = profile
        self.playlists: dict[str, tuple[str, list[Any]]] = {}
        self.saved: list[Any] = []
        self.left, self.quota_seconds = 3, 86_400
        self.refresh_tokens = {"refresh-0"}
        self.scope = "playlist-read-collaborative playlist-read-private user-library-read"
        self.hanging_offset = ""
        self._challenges: dict[str, str] = {}
        self._users: dict[str, bool] = {}  # access token -> is it a user's
        self._given = 0

    @property
    def api_url(self) -> str:
        """What SOUNDATLAS_SPOTIFY_API_URL is set to."""
        return self.url

    @property
    def token_url(self) -> str:
        """What SOUNDATLAS_SPOTIFY_TOKEN_URL is set to."""
        return f"{self.url}/api/token"

    def api_requests(self) -> list[Asked]:
        """The requests to the Web API, without those for tokens."""
        return [asked for asked in self.asked if asked.path.startswith("/v1/")]

    def respond(self, asked: Asked) -> Answer:
        """Answer as Spotify does."""
        if asked.path == "/authorize":
            return self._authorize(asked)
        if asked.path == "/api/token":
            return self._token(asked)
        return self._refused(asked) or self._web_api(asked)

    def _authorize(self, asked: Asked) -> Answer:
        """The user says yes at once."""
        code = f"code-{len(self._challenges)}"
        self._challenges[code] = asked.query["code_challenge"]
        back = urlencode({"code": code, "state": asked.query["state"]})
        return Answer(
            status=302, body=b"", kind="text/html", headers={"Location": f"{asked.query['redirect_uri']}?{back}"}
        )

    def _token(self, asked: Asked) -> Answer:
        grant, form = asked.form.get("grant_type"), asked.form
        if grant == "client_credentials":
            login = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            if asked.headers.get("Authorization") != f"Basic {login}":
                return Answer(status=400, body={"error": "invalid_client", "error_description": "Invalid client"})
            return Answer(body=self._new_token(is_user=False))
        if grant == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if self._challenges.pop(form["code"], None) != challenge:
                return Answer(status=400, body={"error": "invalid_grant", "error_description": "Bad verifier"})
        elif form.get("refresh_token") not in self.refresh_tokens:
            return Answer(status=400, body={"error": "invalid_grant", "error_description": "Refresh token revoked"})
        refresh = f"refresh-{self._given + 1}"
        self.refresh_tokens.add(refresh)
        return Answer(body=self._new_token(is_user=True) | {"refresh_token": refresh, "scope": self.scope})

    def _new_token(self, *, is_user: bool) -> dict[str, Any]:
        self._given += 1
        token = f"BQ-secret-token-{self._given}"
        self._users[token] = is_user
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def login(self) -> dict[str, Any]:
        """A token of a user who has logged in, as spotipy keeps it."""
        return self._new_token(is_user=True) | {
            "refresh_token": "refresh-0",
            "scope": self.scope,
            "expires_at": 4_000_000_000,
        }

    def _refused(self, asked: Asked) -> Answer | None:
        """What an app meets before its question is looked at."""
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._users:
            return refusal(401, "Invalid access token")
        if self.profile == "expired" and token.endswith("-1"):
            return refusal(401, "The access token expired")
        if self.profile == "no_premium":
            said = b"Active premium subscription required for the owner of the app."
            return Answer(status=403, body=said, kind="text/plain; charset=utf-8")
        if self.profile == "quota":
            self.left -= 1
            if self.left < 0:
                answer = refusal(429, "Too many requests", reason="QUOTA_EXCEEDED")
                return Answer(status=429, body=answer.body, headers={"Retry-After": str(self.quota_seconds)})
        return None

    def _web_api(self, asked: Asked) -> Answer:
        parts = asked.path.strip("/").split("/")[1:]
        match parts:
            case ["audio-features"]:
                return self._features(asked)
            case ["me", "tracks"] | ["playlists", _, "items"]:
                return self._library(asked, parts)
            case ["tracks", number] if number.isdigit() and int(number) < 1_000_000:
                return Answer(body=track(int(number)))
            case ["tracks", _]:
                return refusal(404, "Resource not found")
            case ["search"]:
                return self._search(asked)
        return refusal(403, "Forbidden")  # batch gets and all that is gone

    def _library(self, asked: Asked, parts: list[str]) -> Answer:
        """What belongs to a user."""
        if not self._users[asked.headers["Authorization"].removeprefix("Bearer ")]:
            return refusal(401, "Valid user authentication required")
        if parts[0] == "me":
            return Answer(body=self._page(asked, self.saved, 50))
        owner, items = self.playlists.get(parts[1], ("", []))
        if not owner:
            return refusal(404, "Resource not found")
        if self.hanging_offset and asked.query["offset"] == self.hanging_offset:
            return hanging()
        return Answer(body=self._page(asked, items, 50)) if owner == USER else refusal(403, "Forbidden")

    def _features(self, asked: Asked) -> Answer:
        if self.profile != "extended":
            return refusal(403)
        ids = asked.query["ids"].split(",")
        if len(ids) > 100:
            return refusal(400, "too many ids requested")
        return Answer(body={"audio_features": [None if int(one) % 7 == 6 else features(int(one)) for one in ids]})

    def _search(self, asked: Asked) -> Answer:
        if self.profile != "extended" and int(asked.query["limit"]) > 10:
            return refusal(400, "Invalid limit")
        found = [track(number) for number in range(int(asked.query["q"].rpartition(" ")[2]))]
        return Answer(body={"tracks": self._page(asked, found, 50)})

    def _page(self, asked: Asked, items: list[Any], most: int) -> dict[str, Any]:
        limit, offset = min(int(asked.query.get("limit", 20)), most), int(asked.query.get("offset", 0))
        more = offset + limit < len(items)
        onwards = f"{self.url}{asked.path}?offset={offset + limit}&limit={limit}"
        return {
            "href": f"{self.url}{asked.path}",
            "items": items[offset : offset + limit],
            "limit": limit,
            "next": onwards if more else None,
            "offset": offset,
            "previous": None,
            "total": len(items),
        }
