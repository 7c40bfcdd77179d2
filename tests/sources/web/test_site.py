"""Which addresses a source may ask."""

from __future__ import annotations

import pytest

from soundatlas.errors import NotReadyError, WebError
from soundatlas.sources.web.site import Site, base_url

SITE = Site("music", ("https://api.music.example/v1", "http://127.0.0.1:8000/v1"), hosts=("cdn.example", ".cdn.net"))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.music.example/v1/tracks?x=1",
        "https://api.music.example:443/other",
        "https://API.music.example./v1",
        "http://127.0.0.1:8000/v1/tracks",
        "https://cdn.example/a.mp3",
        "https://e-1.cdn.net/a.mp3",
    ],
)
def test_its_own_addresses_are_allowed(url: str) -> None:
    """An API's own origin and the hosts that it names may be asked."""
    SITE.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.music.example/v1/tracks",
        "https://api.music.example:8443/v1",
        "https://api.music.example.evil.example/v1",
        "https://api.music.example@evil.example/v1",
        "https://user:word@api.music.example/v1",
        "http://127.0.0.1:8001/v1",
        "https://127.0.0.1:8000/v1",
        "http://cdn.example/a.mp3",
        "https://cdn.net/a.mp3",
        "https://evilcdn.net/a.mp3",
        "https://cdn.example:99999/a",
        "file:///etc/passwd",
        "//api.music.example/v1",
        "https://[::1",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """Another scheme, port, host or a login in the address is refused, and what is written in it is not obeyed."""
    with pytest.raises(WebError, match="not followed"):
        SITE.check(url)


def test_the_user_configures_an_address() -> None:
    """The environment names another server for an API; without it, the real one is asked."""
    assert base_url({"MUSIC_URL": "http://127.0.0.1:9/"}, "MUSIC_URL", "https://a.example") == "http://127.0.0.1:9"
    assert base_url({"MUSIC_URL": ""}, "MUSIC_URL", "https://a.example") == "https://a.example"


@pytest.mark.parametrize(
    "value", ["ftp://a.example", "a.example", "https://", "http://u:p@a.example", "https://a.example?x=1", "http://a:b"]
)
def test_an_address_that_is_none_is_refused(value: str) -> None:
    """A slip in the environment is told with the variable's name, not its value."""
    with pytest.raises(NotReadyError, match="MUSIC_URL is not an http or https address"):
        base_url({"MUSIC_URL": value}, "MUSIC_URL", "https://a.example")
