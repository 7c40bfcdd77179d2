"""`soundatlas ingest spotify | deezer | musicbrainz`, as a user runs it: exit codes, what is told, what is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from soundatlas.commands.ingest import ingest_asked, ingest_listed
from soundatlas.commands.refresh import want_anew
from soundatlas.errors import NotReadyError, QuotaError
from soundatlas.sources.spotify_account import TokenFile
from tests.fakes.deezer import FakeDeezer
from tests.fakes.musicbrainz import FakeMusicBrainz, recording
from tests.fakes.spotify import CLIENT_ID, CLIENT_SECRET, FakeSpotify, track

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def spotify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSpotify]:
    """A project to stand in, a Spotify with five saved tracks, and a user who has logged in."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(REPOSITORY / name, project)
    monkeypatch.chdir(project)
    with FakeSpotify() as fake:
        fake.saved = [{"track": track(number)} for number in range(5)]
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", CLIENT_SECRET)
        monkeypatch.setenv("SOUNDATLAS_SPOTIFY_API_URL", fake.api_url)
        monkeypatch.setenv("SOUNDATLAS_SPOTIFY_TOKEN_URL", fake.token_url)
        TokenFile().begin()
        TokenFile().save_token_to_cache(fake.login())
        yield fake


def listing(table: str, source: str) -> pd.DataFrame:
    """Read a table of the listing that was written."""
    found = list(Path("data/ingest/sources").glob(f"{source}-*/{table}.parquet"))
    assert len(found) == 1
    return pd.read_parquet(found[0])


def test_saved_tracks_come_into_the_listing(spotify: FakeSpotify, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary tells how many came and which capability the app lacks; a second run asks for nothing."""
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    printed = capsys.readouterr().out
    assert "audio features: not granted to this app (403)" in printed
    assert set(listing("tracks", "spotify")["ml_use"]) == {"restricted"}
    before = len(spotify.asked)
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert len(spotify.asked) == before
    want_anew("spotify")
    spotify.saved.pop()
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert len(listing("tracks", "spotify")) == 4


def test_it_is_said_that_training_will_refuse(spotify: FakeSpotify, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the advice to fetch previews stands that training then refuses, and how to go on; not with permission."""
    assert spotify.saved
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    printed = capsys.readouterr().out
    assert "5 tracks have no audio: `soundatlas ingest deezer --non-commercial --add`" in printed
    assert "5 tracks must not be learnt from (ml_use restricted): once they have audio" in printed
    assert "training refuses the whole catalogue. To train, take their source" in printed
    params, permission = Path("params.yaml"), "i_have_permission_to_train_on_spotify_content: "
    params.write_text(params.read_text().replace(f"{permission}false", f"{permission}true"))
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert "must not be learnt from" not in capsys.readouterr().out


def test_an_inbox_without_audio_is_told(spotify: FakeSpotify, capsys: pytest.CaptureFixture[str]) -> None:
    """With --inbox, where nothing has audio, no classification is promised."""
    assert spotify.saved
    ingest_asked({"source": "spotify", "saved": True}, inbox=True, add=False)
    printed = capsys.readouterr().out
    assert "the champion can classify none of it" in printed
    assert "the champion classifies them" not in printed


def test_a_quota_ends_with_its_own_exit_code(spotify: FakeSpotify, capsys: pytest.CaptureFixture[str]) -> None:
    """At a used-up quota what came is kept and shown; --refresh does not make Spotify be asked before the time."""
    spotify.saved = [{"track": track(number)} for number in range(120)]
    spotify.profile, spotify.left = "quota", 1
    with pytest.raises(QuotaError) as caught:
        ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert caught.value.exit_code == 4
    assert len(listing("tracks", "spotify")) == 50
    assert "50" in capsys.readouterr().out
    before = len(spotify.asked)
    want_anew("spotify")
    with pytest.raises(QuotaError):
        ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert len(spotify.asked) == before


def test_a_quota_takes_no_track_away(spotify: FakeSpotify, capsys: pytest.CaptureFixture[str]) -> None:
    """When a listing is asked for anew and a quota cuts it short, also twice, the rows of the last one stay."""
    spotify.saved = [{"track": track(number)} for number in range(120)]
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    want_anew("spotify")
    spotify.saved = spotify.saved[1:]
    spotify.profile, spotify.left, spotify.quota_seconds = "quota", 1, 3600
    with pytest.raises(QuotaError):
        ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    kept = listing("tracks", "spotify")
    assert len(kept) == kept["track_id"].nunique() == 120
    assert set(listing("labels", "spotify")["track_id"]) == set(kept["track_id"])
    assert "70 tracks are those of the last listing" in capsys.readouterr().out


def test_asking_anew_forgets_nothing_before_it_can_ask(spotify: FakeSpotify, monkeypatch: pytest.MonkeyPatch) -> None:
    """--refresh without a login keeps what was told; the next run that may ask asks for all of it, once."""
    ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    monkeypatch.delenv("SPOTIPY_CLIENT_ID")
    want_anew("spotify")
    with pytest.raises(NotReadyError):
        ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    database = sqlite3.connect("data/ingest/memory/spotify/answers.db")
    assert database.execute("SELECT count(*) FROM answers WHERE key LIKE 'page %'").fetchone() == (1,)
    database.close()
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT_ID)
    before = len(spotify.paths())
    for _ in range(2):
        ingest_asked({"source": "spotify", "saved": True}, inbox=False, add=False)
    assert spotify.paths()[before:].count("/v1/me/tracks") == 1


def test_previews_and_years_join_the_tracks(spotify: FakeSpotify, monkeypatch: pytest.MonkeyPatch) -> None:
    """With three sources in params.yaml, each track of Spotify gets a preview of Deezer and a genre of MusicBrainz."""
    assert spotify.saved
    params = Path("params.yaml")
    more = "- {source: spotify, saved: true}\n    - {source: deezer, non_commercial: true}\n    - {source: musicbrainz}"
    params.write_text(params.read_text().replace("    # Your own, beside", f"    {more}\n    # Your own, beside"))
    with FakeDeezer() as deezer, FakeMusicBrainz() as musicbrainz:
        for number in range(5):
            deezer.add(number)
            musicbrainz.recordings[f"USRC1{number:07d}"] = [recording(number)]
        monkeypatch.setenv("SOUNDATLAS_DEEZER_API_URL", deezer.url)
        monkeypatch.setenv("SOUNDATLAS_MUSICBRAINZ_API_URL", musicbrainz.url)
        monkeypatch.delenv("SOUNDATLAS_CONTACT", raising=False)
        with pytest.raises(NotReadyError, match="SOUNDATLAS_CONTACT is not set"):
            ingest_listed(None)
        assert listing("tracks", "deezer")["path"].notna().all()
        monkeypatch.setenv("SOUNDATLAS_CONTACT", "me@example.org")
        ingest_listed("musicbrainz")
    assert [*listing("tracks", "musicbrainz")["genre"]] == ["hard rock"] * 5


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "code"), [("dev2026", 0), ("no_premium", 3), ("quota", 4)])
def test_no_secret_leaves_the_process(profile: str, code: int, spotify: FakeSpotify) -> None:
    """Whatever happens, neither output nor files hold a token or the client secret, and a fault is one line."""
    spotify.profile, spotify.left = profile, 0
    done = subprocess.run(
        [sys.executable, "-c", "from soundatlas.cli import main; main()", "ingest", "spotify", "--saved"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert len(done.stderr.splitlines()) <= 15
    assert "Traceback" not in done.stderr
    files = b"".join(path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file())
    for secret in ("BQ-secret-token", CLIENT_SECRET, "refresh-0"):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in files
