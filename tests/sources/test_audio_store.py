"""The store of fetched audio: whole files by their content, or nothing."""

from __future__ import annotations

import hashlib
import itertools
from functools import partial

import pytest
from ended_at import ends_at

from soundatlas.sources.audio_store import FOLDER, AudioStore


def files(root) -> list[str]:
    """Return what lies in the store."""
    return sorted(path.name for path in (root / FOLDER).rglob("*") if path.is_file())


def test_blocks_become_a_file_named_by_their_hash(tmp_path) -> None:
    """A download that comes in pieces is kept as one file, whose place is told."""
    stored = AudioStore(tmp_path).put(iter([b"mu", b"sic"]), ".mp3")
    sha = hashlib.sha256(b"music").hexdigest()
    assert (stored.audio_sha256, stored.size_bytes) == (sha, 5)
    assert stored.path == f"data/ingest/audio/{sha[:2]}/{sha}.mp3"
    assert (tmp_path / stored.path).read_bytes() == b"music"
    assert AudioStore(tmp_path).holds(stored.path)


def test_download_that_breaks_leaves_nothing(tmp_path) -> None:
    """What ends in an exception is nowhere, neither whole nor half."""

    def blocks():
        yield b"mus"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        AudioStore(tmp_path).put(blocks(), ".mp3")
    assert files(tmp_path) == []


def test_download_that_is_ended_at_any_moment_leaves_nothing(tmp_path) -> None:
    """A signal may come while the file is made, written or put in place: it is whole, or nowhere."""
    sha = hashlib.sha256(b"music").hexdigest()
    seen = set()
    for moment in itertools.count():
        root = tmp_path / str(moment)
        is_ended = ends_at(moment, partial(AudioStore(root).put, [b"mu", b"sic"], ".mp3"))
        seen.add(tuple(files(root)))
        if not is_ended:
            break
    assert seen == {(), (f"{sha}.mp3",)}


def test_same_content_is_kept_once(tmp_path) -> None:
    """Fetched twice, it is one file."""
    store = AudioStore(tmp_path)
    assert store.put([b"music"], ".mp3") == store.put([b"mus", b"ic"], ".mp3")
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("suffix", ["", "mp3", "./x", ".mp3/../../x", ".MP3", ".toolong"])
def test_suffix_that_is_none_is_refused(suffix, tmp_path) -> None:
    """A suffix cannot lead anywhere."""
    with pytest.raises(ValueError, match="suffix"):
        AudioStore(tmp_path).put([b"music"], suffix)


def test_other_files_are_not_the_stores(tmp_path) -> None:
    """A path outside of the store, or of a file that is gone, is not held."""
    (tmp_path / "a.mp3").write_bytes(b"x")
    assert not AudioStore(tmp_path).holds("a.mp3")
    assert not AudioStore(tmp_path).holds("data/ingest/audio/ab/gone.mp3")
