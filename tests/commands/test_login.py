"""`soundatlas login`: what is opened, printed, and left behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from soundatlas.commands.login import log_in_to_spotify
from soundatlas.errors import NotReadyError
from tests.fakes.spotify import CLIENT_ID, FakeSpotify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's configuration folder, and Spotify in the environment."""
    with FakeSpotify() as fake:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("SOUNDATLAS_SPOTIFY_API_URL", fake.api_url)
        monkeypatch.setenv("SOUNDATLAS_SPOTIFY_TOKEN_URL", fake.token_url)
        monkeypatch.delenv("SPOTIPY_REDIRECT_URI", raising=False)
        yield tmp_path


def open_page(url: str) -> bool:
    """Be a browser, beside the command."""
    threading.Thread(target=httpx.get, args=(url,), kwargs={"follow_redirects": True}).start()
    return True


def test_the_login_lies_in_the_users_folder(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a login the command names the file, which is private, and shows no token."""
    log_in_to_spotify(browser=True, open_page=open_page)
    printed = capsys.readouterr().out
    path = config / "soundatlas" / "spotify-login.json"
    assert str(path) in printed
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret-token" not in printed


def test_the_address_is_printed_beside_a_browser(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where a browser says that it has opened the page, the user can read the address: it may not have."""
    with pytest.raises(NotReadyError):
        log_in_to_spotify(browser=True, timeout_seconds=0.1, open_page=lambda _: True)
    printed = capsys.readouterr().out
    assert "Open this address in a browser on this machine, if none opens by itself:" in printed
    assert "/authorize?client_id=a-client-id" in printed
    assert not (config / "soundatlas").exists()


@pytest.mark.parametrize("options", [{"browser": True}, {"browser": False}], ids=["none opens", "none wanted"])
def test_without_a_browser_the_address_is_printed(
    options: dict[str, bool], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --no-browser, and where none opens, the user gets the address to visit."""
    with pytest.raises(NotReadyError):
        log_in_to_spotify(**options, timeout_seconds=0.1, open_page=lambda _: False)
    assert "/authorize?client_id=a-client-id" in capsys.readouterr().out
    assert not (config / "soundatlas").exists()
