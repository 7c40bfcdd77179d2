"""Listing a folder of somebody's music."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys

import pytest

from soundatlas.files import read_json
from soundatlas.sources.inbox import BYTES_PER_MEGABYTE, PASSED_OVER, list_files, list_folder
from soundatlas.tables import INBOX, REASONS, read_table, write_table


@pytest.fixture
def inbox(tmp_path):
    """Give an empty inbox inside a project."""
    folder = tmp_path / "project" / "data" / "inbox"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def listed(tmp_path, inbox):
    """Give a function that lists the inbox, or another folder, as the pipeline does."""

    def listed(folder=inbox, megabytes=1):
        known = tmp_path / "known-files.json"
        return list_folder(folder, tmp_path / "project", max_file_megabytes=megabytes, known=known)

    return listed


def _put(folder, name, content=b"music"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _reasons(listing) -> dict[str, str | None]:
    """Return each listed file's reason, by its path within the inbox."""
    paths = listing["path"].str.removeprefix("data/inbox/")
    reasons = listing["reason"].astype(object).where(listing["reason"].notna(), None)
    return dict(zip(paths, reasons, strict=True))


def test_every_file_is_listed_with_its_hash(inbox, listed) -> None:
    """Each file has its path within the project, its size and the SHA-256 of its bytes."""
    _put(inbox, "b.mp3", b"one")
    _put(inbox, "a.flac", b"other")
    listing = listed()
    assert listing.dtypes.astype(str).to_dict() == INBOX
    assert listing["path"].tolist() == ["data/inbox/a.flac", "data/inbox/b.mp3"]
    assert listing["size_bytes"].tolist() == [5, 3]
    assert listing["audio_sha256"].tolist() == [hashlib.sha256(content).hexdigest() for content in (b"other", b"one")]
    assert listing[["reason", "message"]].isna().all(axis=None)


def test_folders_within_are_listed(inbox, listed) -> None:
    """Files lie at any depth; the order is that of their paths."""
    for name in ("z.wav", "b/a.wav", "b/c/d/e.wav", "a b/x.wav"):
        _put(inbox, name)
    assert list(_reasons(listed())) == ["a b/x.wav", "b/a.wav", "b/c/d/e.wav", "z.wav"]


@pytest.mark.parametrize("name", [f"cover{suffix}" for suffix in PASSED_OVER] + ["NOTES.TXT", ".DS_Store", ".x/a.wav"])
def test_notes_pictures_and_hidden_files_are_passed_over(name, inbox, listed) -> None:
    """What lies beside music is not a failure to read music; hidden folders are not entered."""
    _put(inbox, name)
    _put(inbox, "a.wav")
    assert list(_reasons(listed())) == ["a.wav"]


def test_file_of_any_other_name_is_listed(inbox, listed) -> None:
    """Whether it is music is for the decoder to say: a name without a suffix, or with a strange one, is listed."""
    names = ["a", "b.xyz", "c.", "d.mp3.part", "md", "txt"]
    for name in names:
        _put(inbox, name)
    assert list(_reasons(listed())) == names


@pytest.mark.parametrize("folder", ["absent", "data/inbox"])
def test_absent_folder_is_an_empty_one(folder, tmp_path, inbox, listed) -> None:
    """No folder, like no file, is a listing without rows."""
    assert inbox.is_dir()
    listing = listed(tmp_path / "project" / folder)
    assert len(listing) == 0
    assert listing.dtypes.astype(str).to_dict() == INBOX


def test_folder_outside_the_project_keeps_its_full_paths(tmp_path, listed) -> None:
    """Music may lie anywhere; only paths within the project are relative to it."""
    path = _put(tmp_path / "music", "a.wav")
    assert listed(tmp_path / "music")["path"].tolist() == [str(path)]


def test_linked_folder_is_not_followed(tmp_path, inbox, listed) -> None:
    """A link to a folder, be it the one above, is not entered, so no loop can form."""
    _put(inbox, "sub/a.wav")
    _put(tmp_path / "elsewhere", "b.wav")
    (inbox / "sub" / "loop").symlink_to(inbox, target_is_directory=True)
    (inbox / "elsewhere").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert list(_reasons(listed())) == ["sub/a.wav"]


def test_linked_file_is_the_file(tmp_path, inbox, listed) -> None:
    """A link to a file is listed under its own name with the file's bytes."""
    (inbox / "a.wav").symlink_to(_put(tmp_path / "elsewhere", "b.wav", b"linked"))
    listing = listed()
    assert listing["path"].tolist() == ["data/inbox/a.wav"]
    assert listing["audio_sha256"].tolist() == [hashlib.sha256(b"linked").hexdigest()]


def test_link_to_nothing_is_unreadable(inbox, listed) -> None:
    """A link whose file is gone is a row, and so is one that leads to itself."""
    (inbox / "gone.wav").symlink_to(inbox / "nowhere.wav")
    (inbox / "self.wav").symlink_to(inbox / "self.wav")
    _put(inbox, "a.wav")
    listing = listed()
    assert _reasons(listing) == {"a.wav": None, "gone.wav": "unreadable", "self.wav": "unreadable"}
    assert listing["message"][1:].str.len().gt(0).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.timeout(60)
def test_pipe_is_unreadable_and_is_not_waited_for(inbox, listed) -> None:
    """Opening a pipe would wait for somebody to write: it is refused unopened."""
    os.mkfifo(inbox / "a.wav")
    assert _reasons(listed()) == {"a.wav": "unreadable"}


def test_empty_file_is_empty(inbox, listed) -> None:
    """A file without bytes has no hash and a reason."""
    _put(inbox, "a.wav", b"")
    listing = listed()
    assert _reasons(listing) == {"a.wav": "empty"}
    assert listing["audio_sha256"].isna().all()


@pytest.mark.parametrize(("over", "reason"), [(0, None), (1, "too_large")])
def test_larger_file_is_listed_and_not_read(over, reason, inbox, listed) -> None:
    """One byte over the limit is too large; the limit itself is not. The size is shown either way."""
    size = 2 * BYTES_PER_MEGABYTE + over
    with (inbox / "a.wav").open("wb") as file:
        file.truncate(size)
    listing = listed(megabytes=2)
    assert _reasons(listing) == {"a.wav": reason}
    assert listing["size_bytes"].tolist() == [size]
    assert listing["audio_sha256"].isna().tolist() == [reason is not None]


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the file system allows Unicode names only")
def test_name_that_is_no_text_is_a_bad_name(tmp_path, inbox, listed) -> None:
    """Bytes that are not UTF-8 cannot go into a table: the row shows them escaped and asks for another name."""
    with open(os.fsencode(inbox) + b"/caf\xe9.wav", "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(b"music")
    _put(inbox, "café.wav")
    listing = listed()
    assert _reasons(listing) == {"caf\\xe9.wav": "bad_name", "café.wav": None}
    write_table(listing, tmp_path / "inbox.parquet")
    assert _reasons(read_table(tmp_path / "inbox.parquet", INBOX)) == _reasons(listing)


@pytest.mark.skipif(sys.platform == "win32", reason="the file system allows fewer names")
@pytest.mark.parametrize(
    "name",
    ["new\nline.wav", "\N{MUSICAL SYMBOL G CLEF}\N{GUITAR}.wav", 'it\'s "so" \\what.wav', " a .wav", "a,b;c.wav"],
)
def test_awkward_name_is_a_name(name, tmp_path, inbox, listed) -> None:
    """Line breaks, emoji, quotes and blanks are kept as they are, through the table and back."""
    _put(inbox, name)
    write_table(listed(), tmp_path / "inbox.parquet")
    again = read_table(tmp_path / "inbox.parquet", INBOX)
    assert _reasons(again) == {name: None}
    assert listed()["audio_sha256"].notna().all()


def test_folder_that_cannot_be_opened_is_a_row(inbox, listed, monkeypatch) -> None:
    """A closed folder is named; what lies beside it is listed as ever."""
    (inbox / "closed").mkdir()
    _put(inbox, "a.wav")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert _reasons(listed()) == {"a.wav": None, "closed": "unreadable"}


def test_file_without_permission_is_unreadable(inbox, listed) -> None:
    """A file that this user may not read is a row, and the others are listed."""
    path = _put(inbox, "a.wav")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    _put(inbox, "b.wav")
    assert _reasons(listed()) == {"a.wav": "unreadable", "b.wav": None}


def test_listing_again_is_equal(inbox, listed) -> None:
    """Nothing in a listing depends on when it was made."""
    _put(inbox, "a.wav")
    _put(inbox, "b.wav", b"")
    assert listed().equals(listed())


def test_listing_again_reads_nothing(inbox, listed, tmp_path) -> None:
    """A hash that is remembered for a file's size and times is taken as it is."""
    _put(inbox, "a.wav")
    listed()
    known = read_json(tmp_path / "known-files.json")
    known["data/inbox/a.wav"][-1] = "remembered"
    (tmp_path / "known-files.json").write_text(json.dumps(known))
    assert listed()["audio_sha256"].tolist() == ["remembered"]


def test_touching_a_file_changes_nothing_listed(inbox, listed) -> None:
    """A new modification time alone has the file read again, to the same listing."""
    path = _put(inbox, "a.wav")
    before = listed()
    os.utime(path, ns=(1, 1))
    assert listed().equals(before)


def test_changed_content_changes_the_hash(inbox, listed) -> None:
    """A file that was written to is read again, though its size is the same."""
    path = _put(inbox, "a.wav", b"before")
    listed()
    path.write_bytes(b"behind")
    os.utime(path, ns=(1, 1))
    assert listed()["audio_sha256"].tolist() == [hashlib.sha256(b"behind").hexdigest()]


def test_another_file_in_its_place_is_read(inbox, listed) -> None:
    """A file of the same name, size and time that was moved over the old one is another file."""
    path = _put(inbox, "a.wav", b"before")
    times = path.stat()
    listed()
    other = _put(inbox.parent, "other.wav", b"behind")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert listed()["audio_sha256"].tolist() == [hashlib.sha256(b"behind").hexdigest()]


def test_removed_file_is_forgotten(inbox, listed, tmp_path) -> None:
    """What is remembered does not grow with files that are gone."""
    path = _put(inbox, "a.wav")
    _put(inbox, "b.wav")
    listed()
    path.unlink()
    assert list(_reasons(listed())) == ["b.wav"]
    assert list(read_json(tmp_path / "known-files.json")) == ["data/inbox/b.wav"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"null",
        b"\xff\xfe",
        b'{"data/inbox/a.wav": 5}',
        b'{"data/inbox/a.wav": {}}',
        b'{"data/inbox/a.wav": {"sha256": "x"}}',
        b'{"data/inbox/a.wav": {"signature": null, "sha256": "x"}}',
        b'{"data/inbox/a.wav": [1, 2]}',
        b'{"data/inbox/a.wav": [1, 2, 3, 4]}',
        b'{"data/inbox/a.wav": [1, 2, 3, "x"]}',
    ],
    ids=str,
)
def test_damaged_memory_is_ignored(content, inbox, listed, tmp_path) -> None:
    """The file of remembered hashes may hold anything: it costs only the reading, and is mended."""
    _put(inbox, "a.wav")
    expected = listed()
    whole = (tmp_path / "known-files.json").read_bytes()
    (tmp_path / "known-files.json").write_bytes(content)
    assert listed().equals(expected)
    assert (tmp_path / "known-files.json").read_bytes() == whole


def test_inbox_itself_is_never_written_to(inbox, listed) -> None:
    """Listing leaves the folder as it is: the same files with the same times."""
    _put(inbox, "sub/a.wav")
    before = {path: path.stat().st_mtime_ns for path in (inbox, *inbox.rglob("*"))}
    listed()
    assert {path: path.stat().st_mtime_ns for path in (inbox, *inbox.rglob("*"))} == before


def test_single_files_are_listed_as_a_folders_are(tmp_path, inbox, listed) -> None:
    """Files that are named one by one have the same rows, also those that are not there."""
    good, empty = _put(inbox, "b.wav"), _put(inbox, "a.wav", b"")
    rows = list_files([good, empty], tmp_path / "project", max_file_megabytes=1)
    assert rows.equals(listed())
    gone = list_files([inbox / "gone.wav"], tmp_path / "project", max_file_megabytes=1)
    assert _reasons(gone) == {"gone.wav": "unreadable"}


def test_named_file_is_listed_whatever_its_suffix(tmp_path, inbox) -> None:
    """A file that is asked for by name is not passed over."""
    path = _put(inbox, "song.txt")
    assert _reasons(list_files([path], tmp_path / "project", max_file_megabytes=1)) == {"song.txt": None}


def test_relative_path_stays_as_it_was_given(tmp_path, inbox, monkeypatch) -> None:
    """A relative path is shown as it is, and is the same file as its absolute one."""
    _put(inbox, "a.wav")
    monkeypatch.chdir(tmp_path / "project")
    listings = [
        list_folder(folder, tmp_path / "project", max_file_megabytes=1, known=tmp_path / "known.json")
        for folder in (inbox, inbox.relative_to(tmp_path / "project"))
    ]
    assert listings[0].equals(listings[1])


def test_reasons_have_explanations(inbox, listed) -> None:
    """Every reason that a listing gives is one that the tables explain."""
    _put(inbox, "empty.wav", b"")
    _put(inbox, "large.wav", b"x" * (BYTES_PER_MEGABYTE + 1))
    (inbox / "gone.wav").symlink_to(inbox / "nowhere")
    reasons = set(listed()["reason"])
    assert reasons == {"empty", "too_large", "unreadable"}
    assert reasons <= set(REASONS)
