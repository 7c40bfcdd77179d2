"""A user with an app, a login and a project, in front of a fake Spotify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.source_params import SpotifySourceParams
from soundatlas.sources.spotify import list_spotify
from soundatlas.sources.spotify_account import TokenFile
from tests.fakes.spotify import CLIENT_ID, CLIENT_SECRET, FakeSpotify, spotify_id
from tests.fakes.time import QuickTime
from tests.resources.ingest_context import make_context

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.sources.base import Listing
    from soundatlas.sources.web.client import Timeouts


MINE, THEIRS = spotify_id(700), spotify_id(701)  # playlists


class SpotifyProject:
    """Runs of `ingest spotify` by a clock that does not wait.

    Args:
        root: of the project.
        fake: who answers.

    Attributes:
        time: that passes while it waits.
        tokens: the user's login; XDG_CONFIG_HOME must lead to a folder of the test.
    """

    def __init__(self, root: Path, fake: FakeSpotify) -> None:
        self.root, self.fake, self.time, self.tokens = root, fake, QuickTime(), TokenFile()
        self.timeouts: Timeouts | None = None
        self.environ = {
            "SPOTIPY_CLIENT_ID": CLIENT_ID,
            "SPOTIPY_CLIENT_SECRET": CLIENT_SECRET,
            "SOUNDATLAS_SPOTIFY_API_URL": fake.api_url,
            "SOUNDATLAS_SPOTIFY_TOKEN_URL": fake.token_url,
        }

    def log_in(self) -> None:
        """Log the user in."""
        self.tokens.begin()
        self.tokens.save_token_to_cache(self.fake.login())

    def ingest(self, previous: Listing | None = None, **config: Any) -> Listing:
        """List what is configured."""
        params = SpotifySourceParams(source="spotify", **config)
        return list_spotify(
            params, make_context(self.root, self.environ, previous=previous), self.time.clock, self.timeouts
        )
