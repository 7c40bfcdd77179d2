"""Who asks Spotify, and the file that knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundatlas.errors import NotReadyError
from soundatlas.sources.spotify_account import TokenFile, token_url, user_login

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = {"access_token": "a", "refresh_token": "r", "expires_at": 4_000_000_000, "scope": "playlist-read-private"}


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"token": 5}', '{"token": {"access_token": "x"}}', "\x00"])
def test_a_damaged_file_is_no_login(content: str, tmp_path: Path) -> None:
    """Whatever became of the file, the user is then not logged in, and can log in again."""
    tokens = TokenFile(tmp_path / "login.json")
    tokens.path.write_text(content)
    assert tokens.get_cached_token() is None
    tokens.begin()
    tokens.save_token_to_cache(TOKEN)
    assert tokens.get_cached_token() == TOKEN


def test_a_login_with_fewer_rights_is_none(tmp_path: Path) -> None:
    """A token that may read less than a catalogue needs asks for a login, and does not wait for one in the terminal."""
    tokens = TokenFile(tmp_path / "login.json")
    tokens.save_token_to_cache(TOKEN)
    login = user_login({"SPOTIPY_CLIENT_ID": "x"}, None, "http://127.0.0.1/callback", tokens)
    with pytest.raises(NotReadyError, match="needs a user login"):
        login.get_access_token()


@pytest.mark.parametrize("configured", ["http://127.0.0.1:9", "http://127.0.0.1:9/", "http://127.0.0.1:9/api/token"])
def test_the_token_service_is_found_elsewhere(configured: str) -> None:
    """The variable may hold the server, or the whole address."""
    assert token_url({"SOUNDATLAS_SPOTIFY_TOKEN_URL": configured}) == "http://127.0.0.1:9/api/token"
    assert token_url({}) == "https://accounts.spotify.com/api/token"
