"""Logging a user in to Spotify: PKCE, and a redirect that only this machine receives (RFC 7636, RFC 8252)."""

from __future__ import annotations

import hmac
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from spotipy.cache_handler import MemoryCacheHandler

from soundatlas.errors import NotReadyError, RefusedError, WebError
from soundatlas.sources.spotify_account import NO_CLIENT, TokenFile, token_url, user_login
from soundatlas.sources.spotify_api import api_url
from soundatlas.sources.web.client import WebClient
from soundatlas.sources.web.site import Site
from soundatlas.sources.web.words import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOOPBACK, PATH = "127.0.0.1", "/callback"
REDIRECT_VARIABLE = "SPOTIPY_REDIRECT_URI"
SOCKET_SECONDS = 5  # a browser opens connections that it does not use
PAGE = "<!doctype html><meta charset=utf-8><title>soundatlas</title><p>{}"
COME_BACK, NOT_OURS = "You can close this window and go back to the terminal.", "This is no answer to our question."


@dataclass(frozen=True)
class Redirect:
    """Where Spotify sends the browser back to; port 0 is any that is free."""

    port: int
    path: str


def log_in(
    environ: Mapping[str, str], show: Callable[[str], None], *, timeout_seconds: float, tokens: TokenFile | None = None
) -> TokenFile:
    """Let the user log in, and keep the token in a private file of theirs.

    Args:
        environ: for the app's id, and the service's address.
        show: is given the address that the user has to visit.
        timeout_seconds: for how long to wait for them.
        tokens: where to keep it.

    Returns:
        Where it is kept now.

    Raises:
        NotReadyError: without an app, when the user declines or does not come, or when Spotify refuses.
    """
    if not environ.get("SPOTIPY_CLIENT_ID"):
        raise NotReadyError(NO_CLIENT)
    tokens, state = tokens or TokenFile(), secrets.token_urlsafe(32)
    redirect = find_redirect(environ)
    site = Site("spotify", (api_url(environ), token_url(environ)))
    with WebClient(site) as client, _listening(redirect, state) as waiting:
        manager = user_login(environ, client, f"http://{LOOPBACK}:{waiting.port}{redirect.path}", tokens)
        manager.cache_handler = MemoryCacheHandler()  # a login that fails leaves the one before as it is
        show(manager.get_authorize_url(state=state))
        code = waiting.code(timeout_seconds)
        try:
            manager.get_access_token(code, check_cache=False)
            token = dict(manager.cache_handler.get_cached_token())
            token["scope"], token["refresh_token"] = str(token["scope"]), str(token["refresh_token"])
        except RefusedError as refusal:
            raise NotReadyError(f"Spotify refuses the login ({refusal.said}): check SPOTIPY_CLIENT_ID") from None
        except (KeyError, TypeError):
            raise WebError("spotify's token service sends no token: try again later", "bad_answer") from None
    tokens.begin()
    tokens.save_token_to_cache(token)
    return tokens


def find_redirect(environ: Mapping[str, str]) -> Redirect:
    """Return where to listen: as the user's app is registered, or any free port of 127.0.0.1.

    Raises:
        NotReadyError: when the registered address is none on this machine.
    """
    written = environ.get(REDIRECT_VARIABLE)
    if not written:
        return Redirect(0, PATH)
    try:
        parts = urlsplit(written)
        here = (parts.scheme, parts.hostname) == ("http", LOOPBACK) and not parts.query and not parts.fragment
        port = parts.port or 0
    except ValueError:
        here, port = False, 0
    if not here:
        raise NotReadyError(f"{REDIRECT_VARIABLE} should be http://{LOOPBACK}:PORT{PATH}, or unset")
    return Redirect(port, parts.path)


class _Waiting:
    """What came back from the browser."""

    def __init__(self, redirect: Redirect, state: str) -> None:
        self.path, self.port = redirect.path, 0
        self._state, self._came = state, threading.Event()
        self._code: str | None = None
        self._error: str | None = None
        self._strange = 0

    def receive(self, query: Mapping[str, list[str]]) -> bool:
        """Take an answer; False when its state is not the one that we sent, and then nothing of it is used."""
        fields = {name: values[0] for name, values in query.items()}
        if not hmac.compare_digest(fields.get("state", "").encode(), self._state.encode()):
            self._strange += 1
            return False
        self._code, self._error = fields.get("code"), clean_text(fields.get("error"))
        self._came.set()
        return True

    def code(self, timeout_seconds: float) -> str:
        """Wait for the user's consent."""
        if not self._came.wait(timeout_seconds):
            strange = f" ({self._strange} answers with another state were refused)" if self._strange else ""
            raise NotReadyError(
                f"no login within {timeout_seconds:.0f} s{strange}: run `soundatlas login spotify` again"
            )
        if not self._code:
            raise NotReadyError(f"Spotify did not log you in ({self._error or 'without a reason'})")
        return self._code


@contextmanager
def _listening(redirect: Redirect, state: str) -> Iterator[_Waiting]:
    """Listen on 127.0.0.1 for the one answer that has our state; all others get nothing."""
    waiting = _Waiting(redirect, state)

    class Handler(BaseHTTPRequestHandler):
        timeout = SOCKET_SECONDS

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            ours = parts.path == waiting.path and waiting.receive(parse_qs(parts.query))
            page = PAGE.format(COME_BACK if ours else NOT_OURS).encode()
            self.send_response(200 if ours else 400)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            """Write nothing: the code is in the address."""

    try:
        server = ThreadingHTTPServer((LOOPBACK, redirect.port), Handler)
    except OSError as error:
        taken = f"port {redirect.port} of {LOOPBACK} cannot be used ({error.strerror})"
        raise NotReadyError(f"{taken}: free it, or choose another one in {REDIRECT_VARIABLE}") from None
    server.daemon_threads = True
    waiting.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield waiting
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
