"""FMA's zip files, sound and hostile."""

from __future__ import annotations

import stat
import tracemalloc
import warnings
import zipfile

import fma_folder
import pytest

from soundatlas.errors import SoundatlasError
from soundatlas.sources.fma_archive import (
    BLOCK_BYTES,
    DAMAGED,
    RATIO_MATTERS_BYTES,
    blocks_of,
    open_archive,
    open_member,
)

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
NAME = "fma_small/000/000002.mp3"
CONTENT = bytes(range(256)) * 2000


def _read(path):
    """Read every file of an archive: name -> its blocks."""
    found = {}
    with open_archive(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with open_member(archive, member) as file:
                    found[member.filename] = [*blocks_of(file)]
    return found


def _write(path, *members, method=zipfile.ZIP_BZIP2):
    """Write an archive of (name or ZipInfo, content), the same name twice if so asked."""
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content, method)


def _change(path, name, **header):
    """Write other values into the archive's directory, as a hostile program would."""
    places = {
        "flag_bits": (8, 2),
        "compress_type": (10, 2),
        "CRC": (16, 4),
        "compress_size": (20, 4),
        "file_size": (24, 4),
    }
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    while data[start + 46 : start + 46 + len(name)] != name.encode():
        start = data.index(b"PK\x01\x02", start + 4)
    for key, value in header.items():
        place, size = places[key]
        data[start + place : start + place + size] = value.to_bytes(size, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("method", METHODS)
def test_members_come_out_as_they_went_in(tmp_path, method):
    """Stored, deflated and bzip2 members are read in blocks of bounded size."""
    fma_folder.write_archives(tmp_path, {NAME: CONTENT, "fma_small/checksums": b""}, method)
    found = _read(tmp_path / "fma_small.zip")
    assert {name: b"".join(blocks) for name, blocks in found.items()} == {NAME: CONTENT, "fma_small/checksums": b""}
    assert max(map(len, found[NAME])) <= BLOCK_BYTES


@pytest.mark.parametrize(
    "name",
    ["../evil.mp3", "fma_small/../../evil", "/etc/passwd", "C:/evil", "fma_small\\..\\evil", "fma_small/a.mp3\0.txt"],
)
def test_names_that_lead_out_are_refused(tmp_path, name):
    """Path traversal, absolute names, drives, backslashes and NUL refuse the whole archive, and write nothing."""
    path = tmp_path / "fma_small.zip"
    member = zipfile.ZipInfo("x" * len(name))
    _write(path, (NAME, CONTENT), (member, b"evil"))
    path.write_bytes(path.read_bytes().replace(b"x" * len(name), name.encode()))
    with pytest.raises(SoundatlasError, match="leads out of the folder"):
        _read(path)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    """A symbolic link could point anywhere: an archive with one is refused."""
    member = zipfile.ZipInfo("fma_small/link.mp3")
    member.external_attr = (kind | 0o777) << 16
    _write(tmp_path / "fma_small.zip", (member, b"/etc/passwd"))
    with pytest.raises(SoundatlasError, match="link or a device"):
        _read(tmp_path / "fma_small.zip")


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ({"flag_bits": 1}, "is encrypted"),
        ({"compress_type": zipfile.ZIP_LZMA}, "compressed by method 14"),
        ({"file_size": RATIO_MATTERS_BYTES + 1}, "expand more than 200-fold"),
        ({"compress_size": 1 << 20}, "overlap"),
    ],
)
def test_members_that_fma_would_not_have_are_refused(tmp_path, header, match):
    """Encryption, other compression, an absurd ratio and members within each other refuse the archive."""
    path = tmp_path / "fma_small.zip"
    _write(path, (NAME, b"a" * 5000), ("fma_small/b.mp3", b"b"))
    _change(path, NAME, **header)
    with pytest.raises(SoundatlasError, match=match):
        _read(path)


def test_real_bomb_is_refused(tmp_path):
    """Eleven megabytes of nothing in some bytes are refused before they are expanded; ten are not worth it."""
    _write(tmp_path / "bomb.zip", ("fma_small/000/000002.mp3", bytes(RATIO_MATTERS_BYTES + 1)))
    with pytest.raises(SoundatlasError, match="expand more than 200-fold"):
        _read(tmp_path / "bomb.zip")
    _write(tmp_path / "small.zip", ("fma_small/000/000002.mp3", bytes(RATIO_MATTERS_BYTES)))
    assert sum(map(len, _read(tmp_path / "small.zip")[NAME])) == RATIO_MATTERS_BYTES


def test_same_name_twice_is_refused(tmp_path):
    """Which of the two would count is anybody's guess."""
    _write(tmp_path / "a.zip", (NAME, b"one"), (NAME, b"two"))
    with pytest.raises(SoundatlasError, match="twice"):
        _read(tmp_path / "a.zip")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_other_files_are_refused(tmp_path, content):
    """What is no zip file is said in one line."""
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SoundatlasError, match="no whole zip file"):
        _read(tmp_path / "a.zip")


def test_cut_archive_is_refused(tmp_path):
    """A download that broke off lacks the directory at the end."""
    _write(tmp_path / "a.zip", (NAME, CONTENT))
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    with pytest.raises(SoundatlasError, match="no whole zip file"):
        _read(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("method", "change"),
    [
        *[(method, {"CRC": 7}) for method in METHODS],
        *[(method, {"file_size": len(CONTENT) - 1}) for method in METHODS],
        (zipfile.ZIP_BZIP2, {"file_size": len(CONTENT) + 1}),
    ],
)
def test_content_that_is_not_what_is_declared_is_damaged(tmp_path, method, change):
    """Another checksum, and more bytes than are declared or fewer, are found when the member is read."""
    path = tmp_path / "a.zip"
    _write(path, (NAME, CONTENT), method=method)
    _change(path, NAME, **change)
    with pytest.raises(DAMAGED):
        _read(path)


@pytest.mark.parametrize("method", METHODS[1:])
def test_broken_content_is_damaged(tmp_path, method):
    """Bytes that were overwritten within a member are found when it is read."""
    path = tmp_path / "a.zip"
    _write(path, (NAME, CONTENT), method=method)
    data = bytearray(path.read_bytes())
    data[80:120] = b"\0" * 40
    path.write_bytes(data)
    with pytest.raises(DAMAGED):
        _read(path)


def test_lying_bzip2_member_is_not_expanded_further_than_it_declares(tmp_path):
    """Of a member that declares 100 bytes and holds 50 million, the 50 million are never in memory."""
    path = tmp_path / "a.zip"
    _write(path, (NAME, bytes(50_000_000)))
    _change(path, NAME, file_size=100)
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile, match="longer than it declares"):
        _read(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 5_000_000
