"""`tracks.csv`: what it overrides, what it is refused for, and that it leads nowhere."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.sources.music_folder import Walked
from soundatlas.sources.track_table import HEADER, read_overrides


@pytest.fixture
def read(tmp_path):
    """Give a function that reads a table of the folder `music`, which holds some files by name."""

    def run(text, files=("a.mp3", "sub/b.mp3"), *, place="tracks.csv", encoding="utf-8"):
        folder = tmp_path / "music"
        table = folder / place
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        walked = Walked(files=[folder / name for name in files], tables=[table])
        return read_overrides(walked, folder, {table: place})

    return run


def test_cells_are_labels_and_empty_cells_are_not(read) -> None:
    """Every cell with something in it is a label, numbers are numbers, and any further column is a label too."""
    found = read(f"{HEADER},mood,energy\na.mp3,Anna,,Air,1771,air,sad,0.5\nsub/b.mp3,,,,,,glad,1\n")
    assert found.failures == []
    assert found.values == {
        "a.mp3": {"artist": "Anna", "title": "Air", "year": 1771.0, "genre": "air", "mood": "sad", "energy": 0.5},
        "sub/b.mp3": {"mood": "glad", "energy": 1.0},
    }


def test_further_column_with_a_word_in_it_is_text(read) -> None:
    """A label is numbers only where it is so in every row."""
    found = read("path,size\na.mp3,10\nsub/b.mp3,large\n")
    assert found.values == {"a.mp3": {"size": "10"}, "sub/b.mp3": {"size": "large"}}


def test_table_in_a_folder_below_speaks_of_what_is_below_it(read) -> None:
    """A path begins at the table's own folder, and must not leave the folder of music."""
    found = read("path,genre\nb.mp3,jig\n../a.mp3,reel\n../../a.mp3,air\n", place="sub/tracks.csv")
    assert found.values == {"sub/b.mp3": {"genre": "jig"}, "a.mp3": {"genre": "reel"}}
    assert [(what, reason) for what, reason, _ in found.failures] == [("sub/tracks.csv, line 4", "bad_row")]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.mp3",
        "../../etc/passwd",
        "sub/../../secret.mp3",
        "/etc/passwd",
        "..",
        "./../secret.mp3",
        "sub/../../music/a.mp3",
    ],
)
def test_path_out_of_the_folder_is_refused(path, read, tmp_path) -> None:
    """No row leads out of the folder, not even to a file that is there, and nothing outside is looked at."""
    (tmp_path / "secret.mp3").write_bytes(b"x")
    found = read(f"path,genre\n{path},jig\n")
    assert found.values == {}
    [(what, reason, message)] = found.failures
    assert (what, reason) == ("tracks.csv, line 2", "bad_row")
    assert "leads out of the folder" in message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c.mp3,jig,1771", "missing"),
        ("..\\secret.mp3,jig,1771", "missing"),
        ("a.mp3\0,jig,1771", "missing"),
        (",jig,1771", "bad_row"),
        ("a.mp3,jig,soon", "bad_row"),
        ("a.mp3,jig,nan", "bad_row"),
        ("a.mp3,jig,1771,more", "bad_row"),
    ],
)
def test_bad_row_is_a_failure_and_the_next_one_counts(row, reason, read) -> None:
    """A row that cannot be used is named by its line; the others are used."""
    found = read(f"path,genre,year\n{row}\nsub/b.mp3,reel,1771\n")
    assert found.values == {"sub/b.mp3": {"genre": "reel", "year": 1771.0}}
    assert [(what, why) for what, why, _ in found.failures] == [("tracks.csv, line 2", reason)]


def test_file_that_is_named_twice_has_its_first_row(read) -> None:
    """The second row of a file is a failure, however it spells the path."""
    found = read("path,genre\na.mp3,jig\n./sub/../a.mp3,reel\n")
    assert found.values == {"a.mp3": {"genre": "jig"}}
    assert [why for _, why, _ in found.failures] == ["bad_row"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'path'"),
        ("name,genre\na.mp3,jig\n", "no column 'path'"),
        ("path;genre\na.mp3;jig\n", "no column 'path'"),
        ("path,genre,genre\na.mp3,jig,reel\n", "twice"),
        ("path,track_id\na.mp3,demo:1\n", "'track_id'"),
        ("path,same_as\na.mp3,demo:1\n", "'same_as'"),
        ("path,my label\na.mp3,x\n", "'my label'"),
        ("path,side\na.mp3,left\n", "'side', which soundatlas itself puts beside the labels: rename it"),
        ("path,confidence\na.mp3,0.5\n", "'confidence'"),
        ("path,__proto__\na.mp3,1\n", "'__proto__'"),
        ("path,genre\na.mp3,Müsette\n".encode("latin-1"), "UTF-8"),
        ('path,genre\n"a.mp3,jig\n', "CSV"),
    ],
)
def test_table_that_is_none_is_one_failure(text, said, read) -> None:
    """A table that cannot be read as a whole is one failure with what to do, and the files keep their tags."""
    found = read(text)
    assert found.values == {}
    [(what, reason, message)] = found.failures
    assert (what, reason) == ("tracks.csv", "bad_row")
    assert said in message


def test_spreadsheets_habits_are_understood(read) -> None:
    """A mark in front, blanks around names, nameless columns and empty lines are no faults."""
    found = read("\ufeffpath , genre ,,\r\na.mp3, jig ,,\r\n,,,\r\n")
    assert (found.values, found.failures) == ({"a.mp3": {"genre": "jig"}}, [])


def test_accents_may_be_spelled_in_either_way(read) -> None:
    """A name that the system spells with a combining accent is found by its plain spelling."""
    found = read("path,genre\ncaf\u00e9.mp3,jig\n", files=("cafe\u0301.mp3",))
    assert found.values == {"cafe\u0301.mp3": {"genre": "jig"}}


def test_isrc_and_use_are_checked(read) -> None:
    """An ISRC is written plainly, and `ml_use` is one of three words."""
    found = read("path,isrc,ml_use\na.mp3,gb-aye-69-00522,allowed\nsub/b.mp3,,perhaps\n")
    assert found.values == {"a.mp3": {"isrc": "GBAYE6900522", "ml_use": "allowed"}}
    assert [why for _, why, _ in found.failures] == ["bad_row"]


@given(rows=st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=4), max_size=6))
def test_any_table_ends_in_rows_and_failures(rows, tmp_path_factory) -> None:
    """Whatever cells a table holds, it speaks of listed files alone, and raises nothing."""
    import csv

    folder = tmp_path_factory.mktemp("music")
    with (folder / "tracks.csv").open("w", encoding="utf-8", newline="", errors="replace") as file:
        csv.writer(file).writerows([["path", "genre", "year"], *rows])
    walked = Walked(files=[folder / "a.mp3"], tables=[folder / "tracks.csv"])
    found = read_overrides(walked, folder, {folder / "tracks.csv": "tracks.csv"})
    assert set(found.values) <= {"a.mp3"}
    assert all(reason in {"bad_row", "missing"} for _, reason, _ in found.failures)


def test_pipe_of_that_name_is_refused_and_not_waited_for(tmp_path) -> None:
    """A pipe called tracks.csv is a failure; nobody waits for what will never be written to it."""
    pipe = tmp_path / "tracks.csv"
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDWR)  # without the check, reading ends at the line: this test cannot hang
    os.write(keeper, b"path\n\xff\n")
    found = read_overrides(Walked(files=[], tables=[pipe]), tmp_path, {pipe: "tracks.csv"})
    os.close(keeper)
    assert found.failures == [("tracks.csv", "bad_row", "not a regular file")]
