"""A project, a folder of music beside it, and listing the one into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from soundatlas.attempts import Outcome
from soundatlas.errors import TrackError
from soundatlas.source_params import SourceParams
from soundatlas.sources.ingestion import ingest_source
from tests.fakes.spotify import SOMEBODY, USER, FakeSpotify, track
from tests.resources.spotify_project import MINE, THEIRS, SpotifyProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Give an empty folder outside of the project."""
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def as_source():
    """Give a function that checks a mapping as `catalog.sources` is checked."""
    return TypeAdapter(SourceParams).validate_python


@pytest.fixture
def looking_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look into files in this process: starting another one for two files costs a second."""

    def here(function, items, *, timeout_seconds):
        del timeout_seconds
        for item in items:
            try:
                yield Outcome(item, function(item), None)
            except TrackError as error:
                yield Outcome(item, None, error)

    monkeypatch.setattr("soundatlas.sources.inspection.map_in_workers", here)


@pytest.fixture
def list_music(project, music, as_source, tiny_params):
    """Give a function that lists the folder of music as a source, and returns the listing."""

    def run(**keys):
        config = as_source({"source": "folder", "path": str(music), **keys})
        return ingest_source(project, config, tiny_params.ingest, {}).listing

    return run


@pytest.fixture
def make_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], SpotifyProject]]:
    """Makes a project in front of a Spotify of some profile; a user is logged in, and owns a playlist of 120."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    servers: list[FakeSpotify] = []

    def make(profile: str = "dev2026") -> SpotifyProject:
        fake = FakeSpotify(profile)
        servers.append(fake)
        fake.__enter__()
        fake.playlists[MINE] = (USER, [{"added_at": "2026-01-01T00:00:00Z", "item": track(n)} for n in range(120)])
        fake.playlists[THEIRS] = (SOMEBODY, [{"item": track(1)}])
        fake.saved = [{"added_at": "2026-01-01T00:00:00Z", "track": track(n)} for n in range(100, 130)]
        project = SpotifyProject(tmp_path / "project", fake)
        project.log_in()
        return project

    yield make
    for server in servers:
        server.__exit__(None, None, None)
