"""Files of FMA's archive on their way into the store: each whole or not at all, and none of them twice."""

from __future__ import annotations

import errno
import hashlib
import shutil
import zipfile
from types import SimpleNamespace

import pytest
from fma_folder import audio_name, write_archives

from soundatlas.errors import SoundatlasError
from soundatlas.sources import fma_unpacking
from soundatlas.sources.audio_store import AudioStore
from soundatlas.sources.fma_unpacking import unpack_files

NAMES = {number: audio_name(number) for number in range(2, 8)}
FILES = {name: f"music {number} ".encode() * 1000 for number, name in NAMES.items()}


class Store(AudioStore):
    """A store that counts what is put into it, and at some point may refuse to."""

    puts = 0
    refuse_at = 0
    refusal: BaseException = OSError(errno.ENOSPC, "No space left on device")

    def put(self, blocks, suffix):
        """Keep a file, or break off in the middle of it."""
        self.puts += 1
        if self.puts == self.refuse_at:
            super().put(self._broken_off(blocks), suffix)
        return super().put(blocks, suffix)

    def _broken_off(self, blocks):
        yield next(iter(blocks))
        raise self.refusal


@pytest.fixture
def archive(tmp_path):
    """Give an archive of six files."""
    write_archives(tmp_path / "fma", FILES)
    return tmp_path / "fma/fma_small.zip"


@pytest.fixture
def context(tmp_path):
    """Give what `unpack_files` needs of a context."""
    root = tmp_path / "project"
    root.mkdir()
    limits = SimpleNamespace(max_file_megabytes=1)
    return SimpleNamespace(root=root, store=Store(root), memory=root / "data/ingest/memory/fma", limits=limits)


def _contents(files):
    return {NAMES[number]: path.read_bytes() for number, (path, _) in files.items()}


def test_files_land_in_the_store_under_their_hash(archive, context):
    """Each wanted file is there with its bytes, and its hash is that of its bytes."""
    files, failures = unpack_files(archive, NAMES, context)
    assert (_contents(files), failures) == (FILES, {})
    assert all(sha == hashlib.sha256(path.read_bytes()).hexdigest() for path, sha in files.values())
    assert {path.suffix for path, _ in files.values()} == {".mp3"}


def test_again_unpacks_nothing(archive, context):
    """What was unpacked is remembered; what was removed from the store since is unpacked anew, and that alone."""
    before, _ = unpack_files(archive, NAMES, context)
    assert context.store.puts == 6
    assert unpack_files(archive, NAMES, context) == (before, {})
    assert context.store.puts == 6
    before[4][0].unlink()
    assert _contents(unpack_files(archive, NAMES, context)[0]) == FILES
    assert context.store.puts == 7


@pytest.mark.parametrize("content", [b"", b"[]", b'{"fma_small/000/000002.mp3": 5}', b"\xff"])
def test_damaged_memory_costs_only_the_unpacking(archive, context, content):
    """The file of what is remembered may hold anything."""
    unpack_files(archive, NAMES, context)
    (remembered,) = context.memory.iterdir()
    remembered.write_bytes(content)
    assert _contents(unpack_files(archive, NAMES, context)[0]) == FILES


def test_other_content_is_unpacked(archive, context):
    """A file of the same name and length with another checksum is another file."""
    unpack_files(archive, NAMES, context)
    changed = FILES | {NAMES[3]: FILES[NAMES[3]].replace(b"music", b"noise")}
    write_archives(archive.parent, changed)
    assert _contents(unpack_files(archive, NAMES, context)[0]) == changed
    assert context.store.puts == 7


@pytest.mark.parametrize("refusal", [KeyboardInterrupt(), SystemExit(1)])
def test_interrupted_run_goes_on_where_it_stopped(archive, context, refusal):
    """Broken off in the fourth file, nothing half-written is there, and the rerun unpacks what is missing."""
    context.store.refuse_at, context.store.refusal = 4, refusal
    with pytest.raises(type(refusal)):
        unpack_files(archive, NAMES, context)
    there = [path for path in (context.root / "data/ingest/audio").rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in there) == sorted(FILES[NAMES[number]] for number in (2, 3, 4))
    assert _contents(unpack_files(archive, NAMES, context)[0]) == FILES
    assert context.store.puts == 4 + 3


def test_full_disk_is_one_line(archive, context, monkeypatch):
    """No space, seen before or met on the way, ends the run with what to do; it is no failure of the tracks."""
    context.store.refuse_at = 2
    with pytest.raises(SoundatlasError, match="cannot be written: No space left"):
        unpack_files(archive, NAMES, context)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))  # noqa: ARG005 - of no disk
    with pytest.raises(SoundatlasError, match="free some, or unpack the archive elsewhere"):
        unpack_files(archive, NAMES, context)


def test_bad_members_are_failures_of_their_tracks(archive, context):
    """Absent, empty, too large and damaged members have their reason; the others are unpacked."""
    large = {NAMES[3]: b"", NAMES[4]: b"x" * 1_000_001, NAMES[5]: b"broken" * 1000, "fma_small/README.txt": b"read me"}
    write_archives(archive.parent, {NAMES[2]: FILES[NAMES[2]], **large}, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"broken" * 1000, b"BROKEN" * 1000))
    files, failures = unpack_files(archive, NAMES, context)
    assert _contents(files) == {NAMES[2]: FILES[NAMES[2]]}
    reasons = {number: failure.reason for number, failure in failures.items()}
    assert reasons == {3: "empty", 4: "too_large", 5: "damaged", 6: "missing", 7: "missing"}


def test_memory_is_saved_on_the_way(archive, context, monkeypatch):
    """Killed without warning, a run remembers what it unpacked up to the last save."""
    monkeypatch.setattr(fma_unpacking, "FILES_PER_SAVE", 2)
    saved = []
    write = fma_unpacking.write_json

    def watched(path, value):
        saved.append(len(value))
        write(path, value)

    monkeypatch.setattr(fma_unpacking, "write_json", watched)
    unpack_files(archive, NAMES, context)
    assert saved == [2, 4, 6, 6]
