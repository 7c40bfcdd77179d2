"""Which audio somebody means."""

from __future__ import annotations

import shutil

import pytest
import tiny_project
from traced_project import OWN

from soundatlas.errors import UsageError
from soundatlas.files import sha256_file
from soundatlas.lineage.subject import find_subject, read_tracks


def test_a_track_by_all_its_names(root):
    """Its id, its path, its file wherever it is copied to, and its hash mean the same track."""
    sha = sha256_file(root / "data/audio/03.wav")
    shutil.copy(root / "data/audio/03.wav", root / "copy.wav")
    found = {find_subject(root, what) for what in ("demo:03", "data/audio/03.wav", str(root / "copy.wav"), sha)}
    (subject,) = found
    assert (subject.audio_sha256, subject.track_ids, subject.paths) == (sha, ("demo:03",), ("data/audio/03.wav",))


def test_a_file_of_the_inbox(root):
    """A listed file is found by its path, also when it is gone, and called by its name."""
    sha = sha256_file(root / OWN)
    (root / OWN).unlink()
    subject = find_subject(root, OWN)
    assert (subject.name, subject.audio_sha256, subject.track_ids, subject.paths) == ("own.wav", sha, (), (OWN,))


def test_a_file_that_was_replaced_is_neither(root):
    """A path means the audio that was listed or that lies there: where these differ, nobody guesses which to forget."""
    listed = sha256_file(root / OWN)
    tiny_project.write_clip(root / OWN, 78)
    now = sha256_file(root / OWN)
    with pytest.raises(UsageError, match=rf"own.wav was replaced since .* `dvc repro ingest`.*{now} .*{listed} "):
        find_subject(root, OWN)
    assert find_subject(root, listed).paths == (OWN,)
    assert find_subject(root, now).paths == ()


def test_audio_that_nobody_knows_is_still_audio(root):
    """A hash, and a file from elsewhere, may be known to a model although no table has them."""
    tiny_project.write_clip(root / "loose.wav", 77)
    assert find_subject(root, str(root / "loose.wav")).audio_sha256 == sha256_file(root / "loose.wav")
    assert find_subject(root, "ab" * 32).track_ids == ()


def test_a_title_longer_than_a_files_name_is_a_title(root):
    """What no file can be called is looked up like any other title."""
    title = "An endless ballad " * 20
    tracks = read_tracks(root)
    tracks.loc[tracks["track_id"] == "demo:03", "title"] = title
    tracks.to_parquet(root / "data/catalog/tracks.parquet", index=False)
    assert find_subject(root, title, by_part=True).track_ids == ("demo:03",)
    with pytest.raises(UsageError, match="is no track_id of the catalogue"):
        find_subject(root, "x" * 300)


def test_anything_else_is_refused_in_one_harmless_line(root):
    """What is no track says what could be given; control characters and undecodable bytes reach no terminal."""
    with pytest.raises(UsageError, match="is no track_id of the catalogue") as caught:
        find_subject(root, "\x1b[31m\udcff\n")
    assert str(caught.value).isprintable()
