"""Who asks Spotify: an app with its secret, or a user who has logged in."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spotipy.cache_handler import CacheHandler, MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials, SpotifyPKCE

from soundatlas.errors import NotReadyError, RefusedError, WebError
from soundatlas.files import sha256_json
from soundatlas.sources.web.site import base_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from soundatlas.sources.web.client import WebClient

SCOPES = ("playlist-read-collaborative", "playlist-read-private", "user-library-read")
TOKEN_URL_VARIABLE, TOKEN_PATH = "SOUNDATLAS_SPOTIFY_TOKEN_URL", "/api/token"
TOKEN_URL = f"https://accounts.spotify.com{TOKEN_PATH}"
ENDED = "invalid_grant"  # said of a refresh token that was revoked or replaced
LOGIN_FILE = "spotify-login.json"
LOG_IN = "log in with `soundatlas login spotify`"
NO_CLIENT = "SPOTIPY_CLIENT_ID is not set: make an app at developer.spotify.com and set it to the app's Client ID"


class TokenFile(CacheHandler):  # type: ignore[misc]  # spotipy has no types
    """The user's login, in a private file of the user's, outside of every project.

    Args:
        path: by default in the user's configuration folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        import platformdirs

        self.path = path or platformdirs.user_config_path("soundatlas") / LOGIN_FILE

    def get_cached_token(self) -> dict[str, Any] | None:
        """Return the token, or None where nobody is logged in."""
        token = self._read().get("token")
        return token if isinstance(token, dict) and {"refresh_token", "expires_at", "scope"} <= set(token) else None

    def login_id(self) -> str:
        """Return a word that is another one after each login, so that two users' answers are told apart."""
        return str(self._read().get("login", ""))

    def begin(self) -> None:
        """Forget who was logged in, and what they were told."""
        self._write({"login": secrets.token_hex(8)})

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Keep a token; the file is never readable for others, not for a moment."""
        self._write({"login": self.login_id(), "token": token_info})

    def forget(self) -> None:
        """Log out."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, value: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}.part")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)


class UserLogin(SpotifyPKCE):  # type: ignore[misc]  # spotipy has no types
    """A user's token, renewed when it expires; never asks for a login in the middle of a run.

    Spotify replaces the refresh token at each renewal. Of two runs that share the file, the later one sends one that
    the other's renewal has ended: that is no end of the login, which lies renewed in the file.
    """

    def refresh_access_token(self, refresh_token: str) -> Any:
        """Renew the token, once more by the file's one if that is another by now; log out if the file's is refused."""
        try:
            return self._renewed_by(refresh_token)
        except RefusedError as refusal:
            stored = self.cache_handler.get_cached_token()
            if refusal.code != ENDED or stored is None:
                raise
        return self._renewed_by(stored["refresh_token"])

    def _renewed_by(self, refresh_token: str) -> Any:
        try:
            return super().refresh_access_token(refresh_token)
        except RefusedError as refusal:
            stored = self.cache_handler.get_cached_token() or {}
            if refusal.code == ENDED and stored.get("refresh_token") == refresh_token:
                self.cache_handler.forget()
            raise

    def get_authorization_code(self, response: str | None = None) -> str:
        """Refuse: only `soundatlas login spotify` talks to the user."""
        del response
        raise NotReadyError(f"Spotify needs a user login: {LOG_IN}")


@dataclass
class Account:
    """Who asks.

    Attributes:
        manager: spotipy's, which has the token.
        is_user: somebody is logged in; an app alone sees neither playlists nor saved tracks.
    """

    manager: Any
    is_user: bool

    def token(self) -> str:
        """Return a token that is valid by its own word; asks for a new one when it is not.

        Raises:
            WebError: when the answer of the token service holds none.
        """
        with _understood():
            if self.is_user:
                return str(self.manager.get_access_token())
            return str(self.manager.get_access_token(as_dict=False))

    def renew(self) -> None:
        """Get a new token, whatever the old one says of itself."""
        with _understood():
            if self.is_user:
                token = self.manager.cache_handler.get_cached_token() or {}
                self.manager.refresh_access_token(token.get("refresh_token", ""))
            else:
                self.manager.get_access_token(as_dict=False, check_cache=False)


class _understood:  # noqa: N801 - reads as what it is: with _understood()
    """Spotipy takes a token's fields for granted; an answer without them is the service's fault."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyError | TypeError):
            raise WebError("spotify's token service sends no token: try again later", "bad_answer") from None


def token_url(environ: Mapping[str, str]) -> str:
    """Return where tokens come from."""
    url = base_url(environ, TOKEN_URL_VARIABLE, TOKEN_URL)
    return url if url.endswith("/token") else url + TOKEN_PATH


def user_login(environ: Mapping[str, str], client: WebClient | None, redirect_uri: str, tokens: TokenFile) -> UserLogin:
    """Return spotipy's manager of a user's token."""
    manager = UserLogin(
        client_id=environ["SPOTIPY_CLIENT_ID"],
        redirect_uri=redirect_uri,
        scope=list(SCOPES),
        cache_handler=tokens,
        requests_session=client,
        open_browser=False,
    )
    manager.OAUTH_TOKEN_URL = token_url(environ)
    manager.OAUTH_AUTHORIZE_URL = manager.OAUTH_TOKEN_URL.removesuffix(TOKEN_PATH) + "/authorize"
    return manager


def find_account(environ: Mapping[str, str], client: WebClient, *, needs_user: bool) -> Account:
    """Return who asks: the user who is logged in, otherwise the app.

    Raises:
        NotReadyError: with what is missing.
    """
    if missing := missing_for(environ, needs_user=needs_user):
        raise NotReadyError(f"Spotify: {missing}")
    tokens = TokenFile()
    if tokens.get_cached_token() is not None:
        return Account(user_login(environ, client, "http://127.0.0.1/callback", tokens), is_user=True)
    manager = SpotifyClientCredentials(
        client_id=environ["SPOTIPY_CLIENT_ID"],
        client_secret=environ["SPOTIPY_CLIENT_SECRET"],
        cache_handler=MemoryCacheHandler(),
        requests_session=client,
    )
    manager.OAUTH_TOKEN_URL = token_url(environ)
    return Account(manager, is_user=False)


def asker(environ: Mapping[str, str]) -> str:
    """Return a word for the app and the login, under which their answers are remembered: others may be told more."""
    return sha256_json([environ.get("SPOTIPY_CLIENT_ID", ""), TokenFile().login_id()])[:16]


def missing_for(environ: Mapping[str, str], *, needs_user: bool) -> str:
    """Return what is missing and how to get it, or an empty text; offline."""
    if not environ.get("SPOTIPY_CLIENT_ID"):
        return NO_CLIENT
    if TokenFile().get_cached_token() is not None:
        return ""
    if needs_user:
        return f"playlists and saved tracks need a user login: {LOG_IN}"
    if not environ.get("SPOTIPY_CLIENT_SECRET"):
        return f"SPOTIPY_CLIENT_SECRET is not set: set it to the app's Client secret, or {LOG_IN}"
    return ""
