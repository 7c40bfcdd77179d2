"""A folder of one's own music as a source: every file is a row or a failure, and nothing is written to it."""

from __future__ import annotations

import errno
import os
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from music_files import tone, write_music

from soundatlas.errors import NotReadyError, TrackError
from soundatlas.sources import folder
from soundatlas.sources.deny_list import add_entries
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.listing_files import source_key
from soundatlas.sources.track_table import HEADER
from soundatlas.tables import REASONS


def reasons(listing, music) -> dict[str, str]:
    """Return the failures of a listing: path below the folder -> reason."""
    assert set(listing.failures["stage"]) <= {"ingest"}
    assert set(listing.failures["reason"]) <= set(REASONS)
    paths = listing.failures["path"].str.removeprefix(f"{music}/")
    return dict(zip(paths, listing.failures["reason"], strict=True))


@pytest.mark.usefixtures("looking_here")
def test_files_become_tracks_with_their_tags(music, list_music) -> None:
    """Path, hash, length and tags of a file make a row, and every label a row with where it comes from."""
    write_music(music / "Anna/Airs/1.mp3", artist="Anna", album="Airs", title="One", genre="air", date="1771-05-01")
    write_music(music / "b.flac")
    listing = list_music(licence="CC0-1.0", ml_use="allowed")
    tracks = listing.tracks.set_index("track_id")
    first = tracks.loc["folder:music/Anna/Airs/1.mp3"]
    assert (first["artist"], first["album"], first["title"], first["genre"]) == ("Anna", "Airs", "One", "air")
    assert (first["year"], first["decade"], first["path"]) == (1771.0, "1770s", str(music / "Anna/Airs/1.mp3"))
    assert first["duration_seconds"] == pytest.approx(1.2, abs=0.1)
    assert set(tracks["licence"]) == {"CC0-1.0"}
    assert set(tracks["ml_use"]) == {"allowed"}
    assert tracks.loc["folder:music/b.flac", ["artist", "genre"]].isna().all()
    labels = listing.labels
    assert set(labels["track_id"]) == {"folder:music/Anna/Airs/1.mp3"}
    assert sorted(labels["label"]) == ["album", "artist", "decade", "genre", "title", "year"]
    assert set(labels["provenance"]) == {"tag"}
    assert listing.failures.empty


@pytest.mark.usefixtures("looking_here")
def test_table_overrides_tags_and_says_so(music, list_music) -> None:
    """`tracks.csv` beside the audio wins over tags, label by label, with its own provenance, licence and use."""
    write_music(music / "a.mp3", artist="Annna", title="One", date="2001")
    (music / "tracks.csv").write_text("path,artist,year,mood,licence,ml_use\na.mp3,Anna,1771,sad,CC0-1.0,allowed\n")
    listing = list_music()
    [row] = listing.tracks.to_dict("records")
    assert (row["artist"], row["title"], row["year"], row["decade"]) == ("Anna", "One", 1771.0, "1770s")
    assert (row["mood"], row["licence"], row["ml_use"]) == ("sad", "CC0-1.0", "allowed")
    origins = dict(zip(listing.labels["label"], listing.labels["provenance"], strict=True))
    assert origins == {
        "artist": "tracks.csv",
        "title": "tag",
        "year": "tracks.csv",
        "decade": "tracks.csv",
        "mood": "tracks.csv",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_everything_that_is_no_music_is_a_failure_with_its_reason(music, list_music, monkeypatch) -> None:
    """Empty, cut, rotten, silent, misnamed, unreadable and looping things are rows, and the good file is a track."""
    good = write_music(music / "good.mp3", tone(6.0))
    content = good.read_bytes()
    (music / "empty.flac").touch()
    (music / "cut.mp3").write_bytes(content[: len(content) // 2])
    (music / "zeroed.mp3").write_bytes(bytes(500) + content[500:])
    (music / "score.wav").write_bytes(b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    (music / "page.mp3").write_bytes(b"<html>no such song</html>")
    (music / "song.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(200))
    soundfile.write(music / "nan.wav", np.full(20_000, np.nan, dtype=np.float32), 16_000, subtype="FLOAT")
    write_music(music / "silence.flac", tone(level=1e-5))
    write_music(music / "loud.wav", np.sign(tone(level=9.0)))
    write_music(music / "short.wav", tone(0.4))
    (music / "loop").symlink_to(music)
    (music / "gone.mp3").symlink_to(music / "nowhere.mp3")
    os.mkfifo(music / "pipe.mp3")
    (music / "closed").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_music()
    assert reasons(listing, music) == {
        "closed": "unreadable",
        "cut.mp3": "truncated",
        "empty.flac": "empty",
        "gone.mp3": "unreadable",
        "loop": "linked_folder",
        "loud.wav": "clipped",
        "nan.wav": "not_finite",
        "page.mp3": "not_audio",
        "pipe.mp3": "unreadable",
        "score.wav": "not_audio",
        "short.wav": "too_short",
        "silence.flac": "silent",
        "song.m4a": "not_audio",
        "zeroed.mp3": "damaged",
    }
    assert list(listing.tracks["source_id"]) == ["music/good.mp3"]


@pytest.mark.usefixtures("looking_here")
@pytest.mark.parametrize(
    "name", ["new\nline.flac", "\N{MUSICAL SYMBOL G CLEF}\N{GUITAR}.flac", " a .flac", "a,'b\".flac"]
)
def test_awkward_names_are_names(name, music, list_music) -> None:
    """Line breaks, emoji and quotes in a name are kept, and the track is found by it."""
    write_music(music / name)
    listing = list_music()
    assert list(listing.tracks["track_id"]) == [f"folder:music/{name}"]
    assert list(listing.tracks["path"]) == [str(music / name)]


@pytest.mark.usefixtures("looking_here")
def test_name_that_is_no_text_is_a_failure(music, list_music) -> None:
    """Bytes that are not UTF-8 cannot go into a table: the failure shows them escaped."""
    write_music(music / "a.flac").rename(os.fsdecode(os.fsencode(music) + b"/caf\xe9.flac"))
    listing = list_music()
    assert listing.tracks.empty
    assert reasons(listing, music) == {"caf\\xe9.flac": "bad_name"}


def test_listing_again_looks_into_nothing(music, list_music, monkeypatch) -> None:
    """What was looked into before is remembered by content: a renamed file costs nothing, a new one itself."""
    write_music(music / "a.flac", artist="Anna")
    (music / "bad.flac").write_bytes(b"nothing")
    first = list_music()
    monkeypatch.setattr("soundatlas.sources.inspection.map_in_workers", None)  # nobody may be asked
    (music / "a.flac").rename(music / "z.flac")
    again = list_music()
    assert list(again.tracks["source_id"]) == ["music/z.flac"]
    assert list(again.tracks["artist"]) == ["Anna"]
    assert again.failures.equals(first.failures)


@pytest.mark.usefixtures("looking_here")
def test_damaged_memory_costs_only_time(music, list_music, project) -> None:
    """A memory that cannot be read is made anew."""
    write_music(music / "a.flac")
    first = list_music()
    memory = project / "data/ingest/memory/folder/inspected.parquet"
    memory.write_bytes(b"PAR1 no more")
    assert list_music().tracks.equals(first.tracks)
    assert len(pd.read_parquet(memory)) == 1


@pytest.mark.usefixtures("looking_here")
@pytest.mark.parametrize("reason", ["unreadable", "crashed", "timeout", "fault"])
def test_fault_that_may_pass_is_forgotten(reason, music, list_music, monkeypatch) -> None:
    """A disk that was unplugged, or a machine that was busy, costs the file this one listing, not the next."""
    write_music(music / "a.flac")

    def failing(_):
        raise TrackError(reason, "not now")

    with monkeypatch.context() as patch:
        patch.setattr("soundatlas.sources.inspection._inspect", failing)
        assert list_music().failures["reason"].tolist() == [reason]
    listing = list_music()
    assert (len(listing.tracks), len(listing.failures)) == (1, 0)


@pytest.mark.usefixtures("looking_here")
def test_fault_that_was_remembered_once_is_tried_again(music, list_music, project) -> None:
    """A memory in which an earlier version kept a fault that may pass does not keep the file out."""
    write_music(music / "a.flac")
    list_music()
    memory = project / "data/ingest/memory/folder/inspected.parquet"
    pd.read_parquet(memory).assign(reason="unreadable", message="no such file").to_parquet(memory)
    assert len(list_music().tracks) == 1


@pytest.mark.usefixtures("looking_here")
def test_denied_file_is_not_even_looked_into(music, list_music, project) -> None:
    """A file on the deny-list is neither a row nor remembered; it stays where it is."""
    write_music(music / "a.flac")
    write_music(music / "b.flac")
    sha = list_music().tracks.set_index("source_id").loc["music/a.flac", "audio_sha256"]
    add_entries(project, [{"audio_sha256": sha, "track_id": "", "since": "", "reason": ""}])
    (project / "data/ingest/memory/folder/inspected.parquet").unlink()
    listing = list_music()
    assert list(listing.tracks["source_id"]) == ["music/b.flac"]
    assert sha not in set(pd.read_parquet(project / "data/ingest/memory/folder/inspected.parquet")["audio_sha256"])
    assert (music / "a.flac").is_file()


@pytest.mark.usefixtures("looking_here")
def test_folder_is_never_written_to(music, list_music) -> None:
    """Listing leaves the folder as it is: the same files with the same bytes and times."""
    write_music(music / "sub/a.mp3", artist="Anna")
    (music / "tracks.csv").write_text("path\nsub/a.mp3\n")
    before = {path: path.stat().st_mtime_ns for path in (music, *music.rglob("*"))}
    list_music()
    assert {path: path.stat().st_mtime_ns for path in (music, *music.rglob("*"))} == before


def test_absent_folder_and_one_around_the_project_are_not_ready(project, as_source, tiny_params) -> None:
    """A folder that is not there, or holds the project itself, is refused with what to do."""
    for path, said in ((str(project / "nowhere"), "no folder"), (str(project.parent), "holds this project")):
        with pytest.raises(NotReadyError, match=said):
            ingest_source(project, as_source({"source": "folder", "path": path}), tiny_params.ingest, {})


def test_readiness_is_that_the_folder_is_there(music, as_source) -> None:
    """A source is ready when its folder is there, and when nobody has named one."""
    there, gone = (as_source({"source": "folder", "path": str(path)}) for path in (music, music / "gone"))
    assert folder.readiness(there, {}).ready
    assert folder.readiness(None, {}).ready
    assert not folder.readiness(gone, {}).ready


@pytest.mark.usefixtures("looking_here")
def test_folder_in_the_project_is_named_relative_to_it(project, as_source, tiny_params) -> None:
    """A folder inside of the project keeps its key and its paths when the project is moved, however it is spelled."""
    write_music(project / "data/mine/a.flac")
    spellings = [as_source({"source": "folder", "path": path}) for path in ("data/mine", str(project / "data/mine"))]
    listing = ingest_source(project, spellings[0], tiny_params.ingest, {}).listing
    assert list(listing.tracks["path"]) == ["data/mine/a.flac"]
    assert source_key(spellings[0], project) == source_key(spellings[1], project)


CONTENTS = {
    "good": lambda path: write_music(path.with_suffix(".flac"), artist="Anna"),
    "twin": lambda path: write_music(path.with_suffix(".wav"), tone()),
    "empty": lambda path: path.with_suffix(".mp3").touch(),
    "junk": lambda path: path.with_suffix(".ogg").write_bytes(bytes(range(256))),
    "page": lambda path: path.with_suffix(".wav").write_text("<html>"),
    "link": lambda path: path.symlink_to(path.parent),
    "dangling": lambda path: path.symlink_to(path.parent / "nowhere"),
}
names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=8)


@pytest.mark.usefixtures("looking_here")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(names, st.sampled_from(sorted(CONTENTS)), max_size=5),
    rows=st.lists(st.sampled_from(["good", "a", "../x", "", "/etc/passwd"]), max_size=3),
)
def test_every_input_is_accounted_for_exactly_once(
    files, rows, tmp_path_factory, repository, as_source, tiny_params
) -> None:
    """Whatever a folder contains, each of its files and of its table's rows is one row or one failure."""
    import tiny_project

    root = tmp_path_factory.mktemp("any")
    tiny_project.start_project(root / "project", repository)
    place = root / "music"
    place.mkdir()
    for number, (name, content) in enumerate(files.items()):
        CONTENTS[content](place / f"{number}{name.strip('.')}x")
    (place / "tracks.csv").write_text("\n".join([HEADER, *(f"{row},A,B,C,1771,air" for row in rows)]), encoding="utf-8")
    config = as_source({"source": "folder", "path": str(place)})
    listing = ingest_source(root / "project", config, tiny_params.ingest, {}).listing
    there = sorted(str(path) for path in place.iterdir() if path.name != "tracks.csv")
    told = [*listing.tracks["path"], *(path for path in listing.failures["path"] if ", line " not in path)]
    assert sorted(told) == there
    lines = Counter(path for path in listing.failures["path"] if ", line " in path)
    assert set(lines.values()) <= {1}
    assert len(lines) == len(rows)  # no row names a file that is there
