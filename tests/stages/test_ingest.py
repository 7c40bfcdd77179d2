"""Stage `ingest`: it runs at every `dvc repro`, so it must write only what changed."""

from __future__ import annotations

import os
import time

import pandas as pd
import pytest
import tiny_project
from music_files import write_music
from pydantic import TypeAdapter

from soundatlas.errors import NotReadyError
from soundatlas.files import read_json
from soundatlas.source_params import SourceParams
from soundatlas.sources.inbox_listings import brought_sources
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.listing_files import INBOX, SOURCES, source_key, write_listing
from soundatlas.sources.rows import build_listing
from soundatlas.stages import ingest

pytest.importorskip("music21", reason="the demo catalogue's packages are optional")

OUTS = ("sources.json", "inbox.parquet", "denied.json")


@pytest.fixture
def listed(project, tiny_params):
    """Give a project with one clip in its inbox, listed, and its outs dated back."""
    tiny_project.write_clip(project / "data/inbox/a.wav")
    ingest.run(project, tiny_params)
    for name in OUTS:
        os.utime(project / "data/ingest" / name, ns=(1, 1))
    return project


def rewritten(root) -> list[str]:
    """Return the outs that were written since they were dated back."""
    return [name for name in OUTS if (root / "data/ingest" / name).stat().st_mtime_ns != 1]


def test_nothing_changed_nothing_written(listed, tiny_params):
    """A second run leaves both files untouched, and so does touching a file of the inbox."""
    ingest.run(listed, tiny_params)
    os.utime(listed / "data/inbox/a.wav", ns=(5, 5))
    ingest.run(listed, tiny_params)
    assert rewritten(listed) == []


def test_new_file_changes_the_listing_alone(listed, tiny_params, capsys):
    """A new file is listed, relative to the project; what the sources are made of did not change."""
    tiny_project.write_clip(listed / "data/inbox/new/b.wav", 1)
    ingest.run(listed, tiny_params)
    assert rewritten(listed) == ["inbox.parquet"]
    listing = pd.read_parquet(listed / "data/ingest/inbox.parquet")
    assert list(listing["path"]) == ["data/inbox/a.wav", "data/inbox/new/b.wav"]
    assert capsys.readouterr().out.splitlines()[-1] == "ingest: 2 files in data/inbox"


def test_changed_bytes_of_the_same_size_and_a_removed_file_are_seen(listed, tiny_params):
    """Other bytes under the same name are listed anew; a removed file is listed no more."""
    before = pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"].tolist()
    tiny_project.write_clip(listed / "data/inbox/a.wav", 7)
    ingest.run(listed, tiny_params)
    assert pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"].tolist() != before
    (listed / "data/inbox/a.wav").unlink()
    ingest.run(listed, tiny_params)
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0


def test_folder_elsewhere_and_absent_folder(listed, repository, tmp_path):
    """An inbox outside the project is listed by its whole path; one that is not there holds nothing."""
    tiny_project.write_clip(tmp_path / "music/c.wav", 2)
    ingest.run(listed, tiny_project.params_of(repository, classify={"inbox": str(tmp_path / "music")}))
    assert list(pd.read_parquet(listed / "data/ingest/inbox.parquet")["path"]) == [str(tmp_path / "music/c.wav")]
    ingest.run(listed, tiny_project.params_of(repository, classify={"inbox": "data/nowhere"}))
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0
    assert not (listed / "data/nowhere").exists()


def test_denied_audio_is_not_listed_and_the_file_stays(listed, tiny_params, capsys):
    """A file on the deny-list is left out, whatever it is called, and nobody touches it; catalog learns of the list."""
    path = listed / "data/inbox/a.wav"
    sha = pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"][0]
    (listed / "data/denied.csv").write_text(f"audio_sha256,track_id,since,reason\n{sha},demo:1,,\n")
    path.rename(path.with_name("other.wav"))
    capsys.readouterr()
    ingest.run(listed, tiny_params)
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0
    assert path.with_name("other.wav").is_file()
    assert capsys.readouterr().out == "ingest: 0 files in data/inbox; 1 on the deny-list left out\n"
    assert read_json(listed / "data/ingest/denied.json") == {"audio_sha256": [sha], "track_ids": ["demo:1"]}


@pytest.fixture
def with_folder(project, repository, tmp_path):
    """Give parameters whose only source is a folder with one track."""
    write_music(tmp_path / "music/a.flac", artist="Anna")
    source = {"source": "folder", "path": str(tmp_path / "music")}
    return tiny_project.start_project(project, repository, catalog={"sources": [source]})


def listed_tracks(project) -> list[str]:
    """Return the tracks of the only source's listing."""
    [place] = (project / "data/ingest/sources").iterdir()
    return pd.read_parquet(place / "tracks.parquet")["track_id"].tolist()


def test_folder_is_listed_anew_and_a_change_is_what_dvc_sees(project, with_folder, tmp_path, capsys):
    """A new file changes what the catalogue depends on; touching one, or looking again, changes nothing."""
    path = project / "data/ingest/sources.json"
    ingest.run(project, with_folder)
    assert capsys.readouterr().out.splitlines()[0] == f"ingest: 1 tracks in folder {tmp_path / 'music'}, 0 failed"
    before = path.read_bytes()
    os.utime(tmp_path / "music/a.flac", ns=(5, 5))
    ingest.run(project, with_folder)
    assert path.read_bytes() == before
    write_music(tmp_path / "music/b.flac")
    ingest.run(project, with_folder)
    assert path.read_bytes() != before
    assert listed_tracks(project) == ["folder:music/a.flac", "folder:music/b.flac"]


def test_folder_that_is_gone_and_source_that_was_never_asked_are_not_ready(project, repository, with_folder, tmp_path):
    """What is missing is said with what to do, and the exit code of a missing configuration."""
    (tmp_path / "music").rename(tmp_path / "elsewhere")
    with pytest.raises(NotReadyError, match="there is no folder"):
        ingest.run(project, with_folder)
    never = tiny_project.params_of(repository, catalog={"sources": [{"source": "musicbrainz"}]})
    with pytest.raises(NotReadyError, match="run `soundatlas ingest musicbrainz`"):
        ingest.run(project, never)


def test_an_inbox_elsewhere_that_is_not_there_is_no_empty_one(listed, tiny_params, tmp_path):
    """A disk that is not mounted, or a slip in its path, does not empty the predictions."""
    before = (listed / "data/ingest/inbox.parquet").read_bytes()
    away = tiny_params.classify.model_copy(update={"inbox": str(tmp_path / "disk/music")})
    with pytest.raises(NotReadyError, match=r"classify.inbox names .*disk/music, which is not there: mount its disk"):
        ingest.run(listed, tiny_params.model_copy(update={"classify": away}))
    assert (listed / "data/ingest/inbox.parquet").read_bytes() == before


def test_what_was_brought_for_classification_is_listed_beside_the_inbox(project, with_folder, tmp_path, capsys):
    """`ingest --inbox` copies nothing: its files are listed where they are, bad ones with their reason, denied not."""
    write_music(tmp_path / "new/c.flac")
    write_music(tmp_path / "new/d.flac", artist="Bela")
    (tmp_path / "new/e.mp3").touch()
    tiny_project.write_clip(project / "data/inbox/a.wav")
    config = TypeAdapter(SourceParams).validate_python({"source": "folder", "path": str(tmp_path / "new")})
    ingest_source(project, config, with_folder.ingest, {}, folder="data/ingest/inbox")
    capsys.readouterr()
    ingest.run(project, with_folder)
    listing = pd.read_parquet(project / "data/ingest/inbox.parquet").set_index("path")
    assert capsys.readouterr().out.endswith("ingest: 1 files in data/inbox, 3 more by `ingest --inbox`\n")
    assert listing.loc[str(tmp_path / "new/e.mp3"), "reason"] == "empty"
    assert listing.loc[str(tmp_path / "new/c.flac"), "size_bytes"] == (tmp_path / "new/c.flac").stat().st_size
    sha = listing.loc[str(tmp_path / "new/d.flac"), "audio_sha256"]
    (project / "data/denied.csv").write_text(f"audio_sha256,track_id,since,reason\n{sha},,,\n")
    ingest.run(project, with_folder)
    assert str(tmp_path / "new/d.flac") not in set(pd.read_parquet(project / "data/ingest/inbox.parquet")["path"])
    (tmp_path / "new").rename(tmp_path / "away")  # the listing before stays, and classify finds the files unreadable
    ingest.run(project, with_folder)
    assert str(tmp_path / "new/c.flac") in set(pd.read_parquet(project / "data/ingest/inbox.parquet")["path"])


def test_listing_that_a_kill_took_away_is_there_again(project, repository):
    """A service's listing is found though a run was killed while it was replaced; half of the next one is no source."""
    services = tiny_project.params_of(repository, catalog={"sources": [{"source": "musicbrainz"}]})
    [config] = services.catalog.sources
    sources, inbox = project / SOURCES, project / INBOX
    for folder in (sources, inbox):
        key = source_key(config, project.resolve())
        write_listing(folder / key, build_listing([], []), {"config": config.model_dump(mode="json")})
        (folder / key).rename(folder / f".{key}-ab12cd34.part-before")
        half = folder / f".{key}-ef56gh78.part"
        write_listing(half, build_listing([], []), {"config": {"source": "folder", "path": "/nowhere"}})
    ingest.run(project, services)
    assert read_json(project / "data/ingest/sources.json")[key].keys() == {"tracks", "labels", "failures"}
    assert (inbox / key / "report.json").is_file()
    assert brought_sources(project) == {key: config}


def test_what_a_killed_run_left_goes_when_a_source_is_asked(project, with_folder):
    """What nobody has touched for an hour goes from listings and audio; what may be at work stays."""
    places = [project / place for place in (SOURCES, INBOX, "data/ingest/audio")]
    for place in places:
        for name, age_seconds in ((".incoming-12345old.part.mp3", 7200), (".incoming-12345new.part.mp3", 60)):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
            os.utime(place / name, (time.time() - age_seconds,) * 2)
    ingest_source(project, with_folder.catalog.sources[0], with_folder.ingest, {})
    hidden = [[path.name for path in place.iterdir() if path.name.startswith(".")] for place in places]
    assert hidden == [[".incoming-12345new.part.mp3"]] * 3
