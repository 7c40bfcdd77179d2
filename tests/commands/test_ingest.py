"""`soundatlas ingest` and `soundatlas sources`: what came, what is missing, and how a run ends."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project
from music_files import write_music
from typer.testing import CliRunner

from soundatlas.cli import app
from soundatlas.errors import NotReadyError, ParamsError, QuotaError, UsageError, WebError
from soundatlas.params import load_params
from soundatlas.sources import folder
from soundatlas.sources.listing_files import content_of
from soundatlas.sources.rows import Row, build_listing

if TYPE_CHECKING:
    from soundatlas.sources.base import Listing


@pytest.fixture(autouse=True)
def _in_the_project(project, monkeypatch):
    """Stand in a project whose catalogue is the demo, with one process for looking into files."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    monkeypatch.chdir(project)


@pytest.fixture
def music(tmp_path):
    """Give a folder with one track and one page that pretends to be one."""
    write_music(tmp_path / "music/a.flac", artist="Anna", genre="reel")
    (tmp_path / "music/b.mp3").write_text("<html>")
    return tmp_path / "music"


def run(*arguments: str):
    """Run the command in this process."""
    return CliRunner().invoke(app, ["ingest", *arguments], catch_exceptions=True)


def listing_of(project, kind="sources"):
    """Return the only listing that was written."""
    [place] = (project / "data/ingest" / kind).iterdir()
    return pd.read_parquet(place / "tracks.parquet")


def test_folder_is_listed_and_told(project, music) -> None:
    """Tracks, labels, failures and what to do next are told; params.yaml is left alone, and the line for it given."""
    before = (project / "params.yaml").read_bytes()
    done = run("folder", str(music))
    assert done.exit_code == 0
    assert list(listing_of(project)["artist"]) == ["Anna"]
    for said in (
        "artist: 1 of 1 (train asks for it)",
        "no track has tempo_bpm, mean_pitch: these attributes will be left out",
        "1 not_audio",
        "b.mp3: a web page",
        "params.yaml does not list this source",
        f"- {{source: folder, path: {music}}}",
    ):
        assert said in done.stdout
    assert (project / "params.yaml").read_bytes() == before


def test_added_source_is_listed_from_then_on(project, music) -> None:
    """`--add` puts the source into params.yaml, once; `ingest` alone and `ingest folder` then do the same."""
    assert run("folder", str(music), "--add").exit_code == 0
    assert run("folder", str(music), "--add").exit_code == 0
    [_, source] = load_params(project / "params.yaml").catalog.sources
    assert (source.source, source.path) == ("folder", str(music))
    write_music(music / "c.flac")
    for arguments in ([], ["folder"]):
        done = run(*arguments)
        assert (done.exit_code, len(listing_of(project))) == (0, 2)
        assert "does not list" not in done.stdout
    assert "`dvc repro`" in done.stdout


@pytest.mark.parametrize("arguments", [("folder", "nowhere"), ("folder", ".")], ids=str)
def test_source_that_gives_nothing_is_not_added(arguments, project) -> None:
    """A source that is not ready leaves params.yaml as it was: nothing in it would stop the next `dvc repro`."""
    before = (project / "params.yaml").read_bytes()
    assert isinstance(run(*arguments, "--add").exception, NotReadyError)
    assert (project / "params.yaml").read_bytes() == before


def test_source_that_params_cannot_list_is_not_asked(project, music, tmp_path) -> None:
    """A second folder of one name is refused before it is asked, not after hours of it."""
    assert run("folder", str(music), "--add").exit_code == 0
    write_music(tmp_path / "other/music/c.flac")
    done = run("folder", str(tmp_path / "other/music"), "--add")
    assert isinstance(done.exception, ParamsError)
    assert "both folders called 'music'" in str(done.exception)
    assert len(listing_of(project)) == 1


def test_folder_in_the_project_is_written_relative(project) -> None:
    """A path below the project stays right when the project is moved."""
    write_music(project / "data/mine/a.flac")
    assert run("folder", "data/mine", "--add", "--name", "own").exit_code == 0
    source = load_params(project / "params.yaml").catalog.sources[-1]
    assert (source.path, source.name) == ("data/mine", "own")
    assert list(listing_of(project)["track_id"]) == ["folder:own/a.flac"]


def test_label_that_too_few_have_is_to_be_taken_out(tmp_path) -> None:
    """What to take out of train.classes is named, and not what is there already and can stay."""
    write_music(tmp_path / "music/a.flac", artist="Anna")
    told = " ".join(run("folder", str(tmp_path / "music")).stdout.split())
    assert "too few tracks have genre: take genre out of train.classes" in told
    assert "artist out of train.classes" not in told


def test_inbox_is_another_place(project, music) -> None:
    """With `--inbox` nothing comes into the catalogue, and what is to be classified is said."""
    done = run("folder", str(music), "--inbox")
    assert done.exit_code == 0
    assert not (project / "data/ingest/sources").exists()
    assert len(listing_of(project, "inbox")) == 1
    assert "classifies" in done.stdout
    told = " ".join(done.stdout.split())
    assert "failures.parquet below data/ingest/inbox/" in told
    assert "train.classes" not in told
    assert "left out of the training" not in told


@pytest.mark.parametrize(
    ("arguments", "fault", "said"),
    [
        ([], UsageError, "lists nothing to ingest"),
        (["folder"], UsageError, "lists no folder"),
        (["folder", "nowhere"], NotReadyError, "there is no folder"),
        (["folder", "~nobody-of-this-name/x"], NotReadyError, "there is no folder"),
        (["fma", "~nobody-of-this-name/x"], NotReadyError, "~nobody-of-this-name/x"),
        (["folder", "."], NotReadyError, "holds this project itself"),
        (["folder", "--inbox"], UsageError, "--inbox and --add need to know"),
        (["folder", "nowhere", "--inbox", "--add"], UsageError, "do not go together"),
        (["fma", "nowhere", "--subset", "huge"], UsageError, "ingest fma: subset should be"),
        (["spotify", "--track", "x"], UsageError, "ingest spotify: tracks.0 should match"),
    ],
    ids=str,
)
def test_wrong_use_and_missing_things_are_told_apart(arguments, fault, said) -> None:
    """What cannot be is one line with what to do, of the class that carries the exit code; nothing is written."""
    done = run(*arguments)
    assert isinstance(done.exception, fault)
    assert said in str(done.exception)


class Meagre:
    """A source that gives one track, and then wants no more requests."""

    OFFER = folder.OFFER
    MOMENT = dt.datetime(2026, 11, 27, 6, 30, tzinfo=dt.UTC)

    def ingest(self, config, context) -> Listing:
        """List one track without audio."""
        del config, context
        about = {"track_id": "spotify:x", "source": "spotify", "licence": "x", "ml_use": "restricted"}
        listing = build_listing([Row({**about, "artist": "Anna"})], [])
        listing.capabilities = {"audio features": "not granted to this app (403)"}
        listing.resume_after = self.MOMENT
        return listing


def test_quota_keeps_what_came_and_asks_the_others(project, music, repository, monkeypatch) -> None:
    """A source that wants no more is told with the moment and exit code 4; the others are asked all the same."""
    sources = [{"source": "musicbrainz"}, {"source": "folder", "path": str(music)}]
    tiny_project.start_project(project, repository, catalog={"sources": sources})
    from soundatlas.sources import lookup

    real = lookup.find_source
    monkeypatch.setattr(
        "soundatlas.sources.ingestion.find_source", lambda name: Meagre() if name == "musicbrainz" else real(name)
    )
    done = run()
    assert isinstance(done.exception, QuotaError)
    assert done.exception.exit_code == 4
    assert str(done.exception).endswith("run it again after 2026-11-27 06:30 UTC")
    assert "audio features: not granted to this app (403)" in done.stdout
    assert "1 tracks have no audio" in done.stdout
    kept = {
        path.name.split("-")[0]: pd.read_parquet(path / "tracks.parquet")
        for path in (project / "data/ingest/sources").iterdir()
    }
    assert {name: len(table) for name, table in kept.items()} == {"musicbrainz": 1, "folder": 1}


def test_service_that_is_down_keeps_no_other_from_being_asked(project, music, repository, monkeypatch) -> None:
    """The report tells what the others gave; the gravest fault gives the exit code, and the rest are told beside it."""
    sources = [{"source": name} for name in ("musicbrainz", "spotify", "deezer")]
    sources[1]["saved"] = sources[2]["non_commercial"] = True
    sources.append({"source": "folder", "path": str(music)})
    tiny_project.start_project(project, repository, catalog={"sources": sources})
    from soundatlas.sources import lookup

    def failing(fault):
        def ingest(*_):
            raise fault

        return SimpleNamespace(OFFER=folder.OFFER, ingest=ingest)

    fakes = {
        "musicbrainz": Meagre(),
        "spotify": failing(NotReadyError("log in first")),
        "deezer": failing(WebError("deezer does not answer")),
    }
    real = lookup.find_source
    monkeypatch.setattr("soundatlas.sources.ingestion.find_source", lambda name: fakes.get(name) or real(name))
    done = run()
    assert isinstance(done.exception, WebError)
    assert all(said in done.stdout for said in ("folder", "1 not_audio", "log in first", "run it again after"))
    assert len([*(project / "data/ingest/sources").glob("folder-*/tracks.parquet")]) == 1


def test_source_that_ends_in_a_quota_is_added(project, monkeypatch) -> None:
    """What a service gave before it wanted no more requests is listed in params.yaml, so that `ingest` goes on."""
    monkeypatch.setattr("soundatlas.sources.ingestion.find_source", lambda _: Meagre())
    assert isinstance(run("musicbrainz", "--add").exception, QuotaError)
    assert load_params(project / "params.yaml").catalog.sources[-1].source == "musicbrainz"
    assert len(listing_of(project)) == 1


@pytest.mark.parametrize("what", ["listing", "memory"])
def test_full_disk_is_one_line_and_leaves_the_listing_before(what, project, music) -> None:
    """When no more can be written, a real process ends in one line; the listing before is whole, and nothing beside."""
    assert run("folder", str(music)).exit_code == 0
    (music / "tracks.csv").write_text("path,genre\na.flac,jig\n")
    if what == "memory":
        shutil.rmtree(project / "data/ingest/memory")
    [before] = (project / "data/ingest/sources").iterdir()
    content = content_of(before)
    script = "import resource, soundatlas.cli; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; soundatlas.cli.main()", "ingest", "folder", str(music)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "soundatlas: the disk is full: free some space and run it again"
    assert "Traceback" not in done.stderr
    assert [*(project / "data/ingest/sources").iterdir()] == [before]
    assert content_of(before) == content
    assert [*(project / "data/ingest").rglob("*.part*")] == []


def test_place_that_cannot_be_written_to_is_named(project, music, command) -> None:
    """A file where a folder should be is one line that names it."""
    shutil.rmtree(project / "data")
    (project / "data").touch()
    code, _, said = command(project, "ingest", "folder", str(music))
    assert code == 1
    assert said.splitlines()[-1].startswith(f"soundatlas: {project / 'data'}")


def test_names_that_a_terminal_would_obey_are_harmless(music) -> None:
    """Escape sequences and markup in a name are shown, not obeyed."""
    (music / "\x1b[31mred [bold]x.mp3").write_text("<html>")
    done = run("folder", str(music))
    assert done.exit_code == 0
    assert "\x1b[31m" not in done.stdout
    assert "[bold]x.mp3" in done.stdout
