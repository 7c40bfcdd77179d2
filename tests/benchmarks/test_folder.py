"""A folder of recorded music with its table."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from benchmarks.quality.folder import load_folder
from soundatlas.errors import UsageError
from soundatlas.files import sha256_file
from soundatlas.tables import TRACKS

HEADER = "path,artist,album,title,year,genre"


@pytest.fixture
def folder(tmp_path):
    """Give a folder with two clips, beside a file that is nobody's business."""
    music = tmp_path / "music"
    for number, name in enumerate(("a.wav", "ä ö/ñ.flac")):
        tiny_project.write_clip(music / name, number, seconds=0.1)
    tiny_project.write_clip(tmp_path / "secret.wav", 3, seconds=0.1)
    return music


def write(folder, *lines, header=HEADER, encoding="utf-8"):
    """Write the table."""
    (folder / "tracks.csv").write_bytes("\n".join([header, *lines, ""]).encode(encoding))


def test_a_row_becomes_a_track(folder):
    """Labels, decade, hash and path stand where the catalogue has them; nothing else is made up."""
    write(folder, "a.wav,Ana,First,One,1969,rock", "ä ö/ñ.flac,Çelik,,Zwölf,,")
    collection = load_folder(folder)
    assert collection.tracks.dtypes[[*TRACKS]].astype(str).to_dict() == TRACKS
    first, second = collection.tracks.to_dict("records")
    assert (first["track_id"], first["artist"], first["year"], first["decade"]) == (
        "folder:a.wav",
        "Ana",
        1969,
        "1960s",
    )
    assert first["audio_sha256"] == sha256_file(folder / "a.wav")
    assert (second["path"], second["artist"], second["title"]) == ("ä ö/ñ.flac", "Çelik", "Zwölf")
    assert pd.isna([second[name] for name in ("album", "year", "decade", "genre", "tempo_bpm", "isrc")]).all()
    assert collection.failures.empty


def test_what_source_folder_reads_is_read(folder):
    """Opus and a name of an unknown kind are tracks as well: what the decoder makes of them is found out later."""
    for name in ("a.opus", "b.AIFF", "c"):
        (folder / name).write_bytes(name.encode())
    write(folder, "a.opus,,,,,", "b.AIFF,,,,,", "c,,,,,")
    collection = load_folder(folder)
    assert collection.tracks["path"].tolist() == ["a.opus", "b.AIFF", "c"]
    assert collection.failures.empty


def test_further_columns_are_labels(folder):
    """A known number is read as one, other text is kept; a byte order mark and nameless columns are nothing."""
    write(folder, "a.wav,120.5,happy,,", header="\ufeffpath,tempo_bpm,mood,,")
    row = load_folder(folder).tracks.iloc[0]
    assert (row["tempo_bpm"], row["mood"]) == (120.5, "happy")


@pytest.mark.parametrize(
    ("line", "reason", "message"),
    [
        ("../secret.wav,,,,,", "bad_row", "leads out of the folder"),
        ("{outside}/secret.wav,,,,,", "bad_row", "leads out of the folder"),
        ("link.wav,,,,,", "bad_row", "leads out of the folder"),
        (",Ana,,,,", "bad_row", "no path"),
        ("gone.wav,,,,,", "unreadable", "no such file"),
        ("tracks.csv,,,,,", "not_audio", "a name in .csv is of a note or a picture"),
        ("empty.wav,,,,,", "empty", "no bytes"),
        ("ä ö/../a.wav,,,,,", "bad_row", "listed twice"),
        ("ä ö/ñ.flac,,,,,,7", "bad_row", "more cells"),
    ],
)
def test_a_bad_row_is_a_failure(folder, line, reason, message):
    """A row that cannot be used costs that row, and the failure names line, reason and path."""
    (folder / "empty.wav").touch()
    (folder / "link.wav").symlink_to(folder.parent / "secret.wav")
    write(folder, "a.wav,Ana,,,,", line.format(outside=folder.parent))
    collection = load_folder(folder)
    assert collection.tracks["path"].tolist() == ["a.wav"]
    (failure,) = collection.failures.to_dict("records")
    assert (failure["reason"], failure["stage"]) == (reason, "catalog")
    assert failure["message"].startswith("line 3: ")
    assert message in failure["message"]


@pytest.mark.parametrize("year", ["about 1970", "nan", "inf"])
def test_a_year_that_is_none_is_missing_and_told(folder, year):
    """The track stays, without the label."""
    write(folder, f"a.wav,Ana,,,{year},")
    collection = load_folder(folder)
    assert collection.tracks[["year", "decade"]].isna().all(axis=None)
    assert collection.failures["reason"].tolist() == ["bad_label"]


@pytest.mark.parametrize(
    ("header", "encoding", "message"),
    [
        ("file,artist", "utf-8", "no column 'path'"),
        ("path,audio_sha256", "utf-8", "'audio_sha256', which is filled in"),
        ("path,artist,artist", "utf-8", "twice"),
        ("path,ärtist", "latin-1", "cannot be read as UTF-8"),
    ],
)
def test_a_bad_table_is_refused(folder, header, encoding, message):
    """A table that cannot be understood is one line that says why."""
    write(folder, "a.wav,x", header=header, encoding=encoding)
    with pytest.raises(UsageError, match=message):
        load_folder(folder)


def test_no_table_and_no_usable_row(folder):
    """Without a table, or without any usable row, there is nothing to run."""
    with pytest.raises(UsageError, match=r"tracks\.csv is missing"):
        load_folder(folder)
    write(folder, "gone.wav,,,,,")
    with pytest.raises(UsageError, match="no such file"):
        load_folder(folder)
