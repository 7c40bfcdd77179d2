"""Walking a folder: everything in it is a file, a table, in the way, or passed over."""

from __future__ import annotations

import os

import pytest

from soundatlas.sources.music_folder import walk_music


def put(folder, *names) -> None:
    """Make files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_and_tables_below_are_found_in_order(music) -> None:
    """Files of any suffix are found at any depth; notes and pictures are passed over, hidden ones not looked at."""
    put(music, "b.mp3", "a/c/d.flac", "a/tracks.csv", "cover.jpg", "notes.txt", ".hidden/e.mp3", "x.mid", "Tracks.CSV")
    walked = walk_music(music)
    assert [path.relative_to(music).as_posix() for path in walked.files] == ["a/c/d.flac", "b.mp3", "x.mid"]
    assert [path.relative_to(music).as_posix() for path in walked.tables] == ["Tracks.CSV", "a/tracks.csv"]
    assert (walked.refused, walked.passed_over) == ({}, 2)


@pytest.mark.timeout(60)
def test_links_to_folders_are_not_followed(music, tmp_path) -> None:
    """A loop, a link out of the folder and a link within it are rows; a link to a file is that file."""
    put(tmp_path / "elsewhere", "f.mp3")
    put(music, "a/b.mp3")
    (music / "a/loop").symlink_to(music)
    (music / "out").symlink_to(tmp_path / "elsewhere")
    (music / "within").symlink_to(music / "a")
    (music / "file.mp3").symlink_to(tmp_path / "elsewhere/f.mp3")
    (music / "self").symlink_to(music / "self")
    walked = walk_music(music)
    assert {path.name: reason for path, (reason, _) in walked.refused.items()} == dict.fromkeys(
        ("loop", "out", "within"), "linked_folder"
    )
    assert [path.name for path in walked.files] == ["b.mp3", "file.mp3", "self"]


def test_folder_that_cannot_be_opened_is_a_row(music, monkeypatch) -> None:
    """A closed folder is named; what lies beside it is walked as ever."""
    put(music, "a.mp3", "closed/b.mp3")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    walked = walk_music(music)
    assert walked.refused == {music / "closed": ("unreadable", "Permission denied")}
    assert [path.name for path in walked.files] == ["a.mp3"]
