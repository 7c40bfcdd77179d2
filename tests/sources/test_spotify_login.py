"""Logging in to Spotify: what the browser brings back is believed only with our state, and the token stays private."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from soundatlas.errors import NotReadyError, WebError
from soundatlas.sources.spotify_account import SCOPES, TokenFile
from soundatlas.sources.spotify_login import find_redirect, log_in
from tests.fakes.server import Answer
from tests.fakes.spotify import CLIENT_ID, FakeSpotify
from tests.resources.served import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    """Spotify, and a user who says yes at once."""
    with FakeSpotify() as fake:
        yield fake


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    """Where the login is kept."""
    return TokenFile(tmp_path / "config" / "soundatlas" / "spotify-login.json")


def environ(fake: FakeSpotify, **more: str) -> dict[str, str]:
    """The environment of a user with an app."""
    urls = {"SOUNDATLAS_SPOTIFY_API_URL": fake.api_url, "SOUNDATLAS_SPOTIFY_TOKEN_URL": fake.token_url}
    return {"SPOTIPY_CLIENT_ID": CLIENT_ID, **urls, **more}


class Browser:
    """Visits the address that it is shown, and notes where it came."""

    def __init__(self, **changes: str) -> None:
        self.changes = changes
        self.url, self.answers = "", []
        self._thread = threading.Thread()

    def __call__(self, url: str) -> None:
        """Go there, beside the program that waits."""
        self.url = url
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()

    def _visit(self) -> None:
        back = httpx.get(self.url, follow_redirects=False).headers["Location"]
        self.answers.append(httpx.get(httpx.URL(back).copy_merge_params(self.changes), timeout=10))

    def wait(self) -> None:
        """Wait until the pages have loaded."""
        self._thread.join()


def test_a_user_logs_in(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """The browser goes to Spotify with a PKCE challenge and a state, and comes back to 127.0.0.1 with a code."""
    browser = Browser()
    log_in(environ(spotify), browser, timeout_seconds=10, tokens=tokens)
    browser.wait()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(browser.url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert asked["scope"].split() == [*SCOPES]
    assert len(asked["state"]) >= 32
    assert "close this window" in browser.answers[0].text
    token = tokens.get_cached_token()
    assert token is not None
    assert token["refresh_token"] in spotify.refresh_tokens
    assert token["access_token"] not in browser.answers[0].text


def test_the_login_is_private(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """The file of the token has mode 0600 in a folder of mode 0700, also where the user's umask is wide open."""
    before = os.umask(0)
    try:
        log_in(environ(spotify), Browser(), timeout_seconds=10, tokens=tokens)
    finally:
        os.umask(before)
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) & 0o077 == 0
    assert [path.name for path in tokens.path.parent.iterdir()] == [tokens.path.name]


def test_each_login_is_another_one(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """A second login has another id, a renewed token keeps it."""
    log_in(environ(spotify), Browser(), timeout_seconds=10, tokens=tokens)
    first = tokens.login_id()
    tokens.save_token_to_cache({**(tokens.get_cached_token() or {}), "access_token": "renewed"})
    assert tokens.login_id() == first
    log_in(environ(spotify), Browser(), timeout_seconds=10, tokens=tokens)
    assert tokens.login_id() != first


@pytest.mark.parametrize("state", ["", "somebody else's"])
def test_an_answer_with_another_state_is_refused(state: str, spotify: FakeSpotify, tokens: TokenFile) -> None:
    """A code that comes with another state is not used: no token is asked for, and the login before stays."""
    tokens.save_token_to_cache({"before": 1})
    browser = Browser(state=state)
    with pytest.raises(NotReadyError, match=r"no login within 1 s \(1 answers with another state were refused\)"):
        log_in(environ(spotify), browser, timeout_seconds=1, tokens=tokens)
    browser.wait()
    assert browser.answers[0].status_code == 400
    assert "/api/token" not in spotify.paths()
    assert '"before"' in tokens.path.read_text()


def test_other_pages_of_the_loopback_give_nothing(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """What a browser asks for besides, such as an icon, neither ends nor disturbs the login."""
    browser = Browser()
    others: list[httpx.Response] = []

    def show(url: str) -> None:
        home = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0]).netloc
        others.extend(httpx.get(f"http://{home}{path}") for path in ("/favicon.ico", "/", "/callback"))
        browser(url)

    log_in(environ(spotify), show, timeout_seconds=10, tokens=tokens)
    assert [other.status_code for other in others] == [400, 400, 400]
    assert tokens.get_cached_token() is not None


def test_a_user_who_declines_is_told(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """Spotify's word for a refusal is passed on."""

    def decline(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        httpx.get(query["redirect_uri"][0], params={"error": "access_denied", "state": query["state"][0]})

    with pytest.raises(NotReadyError, match=r"did not log you in \(access_denied\)"):
        log_in(environ(spotify), decline, timeout_seconds=10, tokens=tokens)
    assert not tokens.path.exists()


def test_a_user_who_does_not_come_is_not_waited_for(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """After the time-out the command ends with exit code 3, and the port is free again."""
    port = free_ports(1)[0]
    for _ in range(2):
        with pytest.raises(NotReadyError, match="no login within 0 s: run") as caught:
            log_in(
                environ(spotify, SPOTIPY_REDIRECT_URI=f"http://127.0.0.1:{port}/back"),
                lambda _: None,
                timeout_seconds=0.1,
                tokens=tokens,
            )
        assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (Answer(status=400, body={"error": "invalid_client", "error_description": "No"}), NotReadyError, "No.: check"),
        (Answer(body={"access_token": "x"}), WebError, "sends no token"),
        (Answer(body={"access_token": "x", "expires_in": 60}), WebError, "sends no token"),
    ],
)
def test_a_token_that_is_not_given_is_told(
    answer: Answer, kind: type[Exception], message: str, spotify: FakeSpotify, tokens: TokenFile
) -> None:
    """Whatever the token service sends in the place of a token, it is one line, and nothing is kept."""
    spotify.fail("/api/token", answer)
    with pytest.raises(kind, match=message):
        log_in(environ(spotify), Browser(), timeout_seconds=10, tokens=tokens)
    assert not tokens.path.exists()


def test_without_an_app_nothing_is_opened(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """Without SPOTIPY_CLIENT_ID the command says where to get one."""
    with pytest.raises(NotReadyError, match=r"SPOTIPY_CLIENT_ID is not set: make an app at developer\.spotify\.com"):
        log_in(environ(spotify) | {"SPOTIPY_CLIENT_ID": ""}, _never, timeout_seconds=1, tokens=tokens)


def test_a_taken_port_is_told(spotify: FakeSpotify, tokens: TokenFile) -> None:
    """When something listens on the registered port already, the message names it."""
    port = urlsplit(spotify.url).port
    with pytest.raises(NotReadyError, match=f"port {port} of 127.0.0.1 cannot be used"):
        log_in(
            environ(spotify, SPOTIPY_REDIRECT_URI=f"http://127.0.0.1:{port}/callback"),
            _never,
            timeout_seconds=1,
            tokens=tokens,
        )


@pytest.mark.parametrize(
    "written", ["http://localhost:8888/callback", "https://127.0.0.1/x", "http://0.0.0.0:80/", "http://127.0.0.1:x/"]
)
def test_only_this_machine_is_listened_on(written: str) -> None:
    """A registered address that is not http on 127.0.0.1 is refused."""
    with pytest.raises(NotReadyError, match="SPOTIPY_REDIRECT_URI should be"):
        find_redirect({"SPOTIPY_REDIRECT_URI": written})


def _never(url: str) -> Any:
    raise AssertionError(url)
