"""An ingestion that is killed in the middle: nothing half-written is taken for whole, nothing is asked for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from soundatlas.source_params import DeezerSourceParams
from soundatlas.sources.deezer import list_deezer
from soundatlas.sources.web.clock import Clock
from tests.fakes.deezer import FakeDeezer, preview
from tests.fakes.server import Answer
from tests.fakes.spotify import USER, FakeSpotify, spotify_id, track
from tests.resources.ingest_context import make_context
from tests.resources.known_tracks import known_tracks
from tests.resources.spotify_project import SpotifyProject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 120


def run_and_kill(script: str, is_time: Callable[[], bool]) -> None:
    """Run Python in a process of its own and kill it, as `kill -9` does, when it is time."""
    process = subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ))
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_time():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_listing_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a playlist of 20 pages, killed at the eighth, the next run asks for the eighth and those after it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    playlist = spotify_id(700)
    with FakeSpotify() as fake:
        fake.playlists[playlist] = (USER, [{"item": track(number)} for number in range(1000)])
        project = SpotifyProject(tmp_path / "project", fake)
        project.log_in()
        fake.hanging_offset = "350"
        script = f"""
from pathlib import Path
from soundatlas.source_params import SpotifySourceParams
from soundatlas.sources.spotify import ingest
from tests.resources.ingest_context import make_context
config = SpotifySourceParams(source="spotify", playlists=[{playlist!r}])
ingest(config, make_context(Path({str(project.root)!r}), {project.environ!r}))
"""
        run_and_kill(script, lambda: any(asked.query.get("offset") == "350" for asked in fake.asked))
        fake.hanging_offset = ""
        before = len(fake.asked)
        listing = project.ingest(playlists=[playlist])
        assert len(listing.tracks) == 1000
        offsets = [asked.query["offset"] for asked in fake.asked[before:] if asked.path.endswith("/items")]
        assert offsets == [str(offset) for offset in range(350, 1000, 50)]


def test_a_killed_download_is_fetched_again_and_only_that(tmp_path: Path) -> None:
    """Killed while a preview comes, the store holds the whole ones alone; the next run fetches the one that lacks."""
    with FakeDeezer() as fake:
        for number in range(3):
            fake.add(number)
        blocks = (preview(1)[position : position + 100] for position in range(0, 2000, 100))
        fake.fail("/stream/1.mp3", Answer(body=blocks, kind="audio/mpeg", pause_seconds=0.5))
        environ = {"SOUNDATLAS_DEEZER_API_URL": fake.url}
        script = f"""
from pathlib import Path
from soundatlas.source_params import DeezerSourceParams
from soundatlas.sources.deezer import ingest
from tests.resources.ingest_context import make_context
from tests.resources.known_tracks import known_tracks
context = make_context(Path({str(tmp_path)!r}), {environ!r}, known_tracks(0, 1, 2))
ingest(DeezerSourceParams(source="deezer", non_commercial=True), context)
"""
        run_and_kill(script, lambda: "/stream/1.mp3" in fake.paths())
        stored = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        assert [path.read_bytes() for path in stored] == [preview(0)]
        before = len(fake.asked)
        config = DeezerSourceParams(source="deezer", non_commercial=True)
        listing = list_deezer(config, make_context(tmp_path, environ, known_tracks(0, 1, 2)), Clock())
        assert [*listing.tracks["source_id"]] == ["0", "1", "2"]
        assert {path for path in fake.paths()[before:] if path.startswith("/stream")} == {
            "/stream/1.mp3",
            "/stream/2.mp3",
        }
