"""Whom somebody means by a file, an id, a hash, or words of a name."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.commands.track_search import find_audio
from soundatlas.errors import UsageError
from soundatlas.tables import INBOX, conform, write_table


@pytest.fixture
def listed(project):
    """Give a project with a catalogue, and an inbox of which one file has a name in its tags."""
    tiny_project.write_catalogue(project)
    rows = [("data/inbox/Jig of Slurs.mp3", "a1" * 32), ("data/inbox/b.mp3", "a1b1" * 16), ("data/inbox/c.mp3", None)]
    files = pd.DataFrame(rows, columns=["path", "audio_sha256"]).assign(size_bytes=1)
    write_table(conform(files.head(1), INBOX), project / "data/ingest/inbox.parquet")
    named = files.tail(2).assign(artist="Dvořák", title="Rusalka")
    write_table(conform(named, INBOX, extra=True), project / "data/catalog/inbox.parquet")
    return project


@pytest.mark.parametrize(
    ("what", "name", "path"),
    [
        ("demo:03", "anna: piece 3", "data/audio/03.wav"),
        ("data/audio/03.wav", "anna: piece 3", "data/audio/03.wav"),
        ("ANNA piece 3", "anna: piece 3", "data/audio/03.wav"),
        ("piece 11", "clara: piece 11", "data/audio/11.wav"),
        ("jig slurs", "Jig of Slurs.mp3", "data/inbox/Jig of Slurs.mp3"),
        ("a1a1a1", "Jig of Slurs.mp3", "data/inbox/Jig of Slurs.mp3"),
        ("dvorak", "Dvořák: Rusalka", "data/inbox/b.mp3"),
    ],
)
def test_a_track_is_found_by_whatever_names_it(listed, what, name, path):
    """An id, a listed path, words without case or diacritics, and the beginning of a hash all lead to it."""
    found = find_audio(listed, what)
    assert (found.name, found.path) == (name, listed / path)


def test_a_file_is_itself(listed, monkeypatch):
    """A file that lies there needs no listing, even where a track is called so."""
    monkeypatch.chdir(listed)
    (listed / "anna").write_bytes(b"x")
    assert find_audio(listed, "anna").path.name == "anna"


def test_a_hash_is_found_by_its_beginning(listed):
    """Six digits of the audio's SHA-256 do."""
    sha = str(pd.read_parquet(listed / "data/catalog/tracks.parquet")["audio_sha256"].iloc[4])
    assert find_audio(listed, sha[:6]).name == "bela: piece 4"
    assert find_audio(listed, sha).name == "bela: piece 4"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("anna", "'anna' names 4 things: say which by its id: demo:00"),
        ("piec 11", "nothing in the catalogue or the inbox is called 'piec 11': did you mean"),
        ("a1a1ff", "nothing in the catalogue or the inbox is called 'a1a1ff'"),
        ("c.mp3", "nothing in the catalogue"),
    ],
)
def test_doubt_is_told(listed, what, said):
    """Several things, nothing, a hash of nothing, and a file that could not be read: one line says so."""
    with pytest.raises(UsageError) as caught:
        find_audio(listed, what)
    assert str(caught.value).startswith(said)


def test_one_beginning_of_two_hashes_is_doubt(listed):
    """A beginning that two audios share is answered with longer ones."""
    files = pd.DataFrame({"path": ["x", "y"], "audio_sha256": ["abcdef01" * 8, "abcdef02" * 8], "size_bytes": 1})
    write_table(conform(files, INBOX), listed / "data/ingest/inbox.parquet")
    with pytest.raises(UsageError, match="the hashes of 2 audios begin with abcdef: abcdef01ab, abcdef02ab"):
        find_audio(listed, "abcdef")


def test_empty_project_says_what_to_do(project):
    """Before anything was listed, words lead nowhere, and one line says why."""
    with pytest.raises(UsageError, match="the project knows no track yet"):
        find_audio(project, "bach")
