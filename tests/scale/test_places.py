"""A folder on a disk and one in a storage that fsspec knows are read and written alike."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import fsspec
import pytest

from soundatlas.errors import NotReadyError, UsageError
from soundatlas.scale.places import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path):
    """Give an empty place of each kind."""
    if request.param == "disk":
        yield Place(str(tmp_path))
        return
    yield Place("memory://place")
    if (filesystem := fsspec.filesystem("memory")).exists("/place"):
        filesystem.rm("/place", recursive=True)


def put(place: Place, name: str, content: bytes) -> None:
    """Write a file whole."""
    with place.replacing(name) as beside:
        beside.write_bytes(content)


def test_what_is_written_is_read(place):
    """A file comes back, as a whole and in parts; a place knows which files it has, and says where they are local."""
    put(place, "a.txt", b"abcdef")
    assert place.read("a.txt") == b"abcdef"
    assert place.read("a.txt", 2, 4) == b"cd"
    assert place.size("a.txt") == 6
    assert list(place.signatures()) == ["a.txt"]
    with place.fetched("a.txt") as path:
        assert path.read_bytes() == b"abcdef"
    assert path.exists() == (place.local is not None)


def test_file_is_replaced_whole_or_not_at_all(place):
    """Whatever happens while it is written, the earlier file stays, and nothing half-written beside it."""
    put(place, "a.txt", b"before")
    with pytest.raises(ZeroDivisionError), place.replacing("a.txt") as beside:  # noqa: PT012 - both are needed
        beside.write_bytes(b"half")
        _ = 1 / 0
    assert place.read("a.txt") == b"before"
    put(place, "a.txt", b"after it")
    assert place.read("a.txt") == b"after it"
    assert list(place.signatures()) == ["a.txt"]


def test_signature_changes_with_the_file(place):
    """Another content has another signature; the same file has the same."""
    put(place, "a.txt", b"one")
    first = place.signatures()
    assert place.signatures() == first
    put(place, "a.txt", b"other")
    assert place.signatures() != first


def test_removing_twice_is_removing_once(place):
    """What is gone already is no fault."""
    put(place, "a.txt", b"one")
    assert place.exists("a.txt")
    place.remove("a.txt")
    place.remove("a.txt")
    assert not place.exists("a.txt")
    assert place.signatures() == {}


def test_folder_goes_there_and_comes_back(place, tmp_path):
    """What lies directly in a folder is put where it is missing, and fetched."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a.txt").write_bytes(b"a")
    (tmp_path / "source/b.txt").write_bytes(b"b")
    inner = place.within("inner")
    put(inner, "a.txt", b"there already")
    inner.fill(tmp_path / "source")
    inner.fetch_folder(tmp_path / "back")
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == {
        "a.txt": b"there already",
        "b.txt": b"b",
    }


def test_place_travels_without_its_connection(tmp_path):
    """A worker gets the address alone, however the place was used before."""
    place = Place(str(tmp_path))
    assert place.signatures() == {}
    other = pickle.loads(pickle.dumps(place))  # noqa: S301 - our own
    assert other == place
    assert other.__dict__ == {"url": str(tmp_path)}


@pytest.mark.parametrize(("url", "error"), [("nosuch://bucket", UsageError), ("abfs://bucket/a", NotReadyError)])
def test_storage_that_cannot_be_reached_is_one_line(url, error):
    """A kind of storage that there is not, or whose package is not installed, is named."""
    with pytest.raises(error, match=url.partition(":")[0]):
        _ = Place(url).local


def test_storage_that_answers_is_checked_in_silence(place):
    """Whatever lies there, or nothing yet."""
    place.check()
    place.within("nothing-yet").check()


@pytest.mark.parametrize("url", ["s3://bucket/project", "http://127.0.0.1:1/project"])
def test_storage_that_does_not_answer_is_one_line(url, monkeypatch):
    """Without credentials, or where nobody listens, the place is named, why, and what to do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(NotReadyError, match=rf"^{url} cannot be reached \(.+\): check engine\.place") as caught:
        Place(url).check()
    assert "\n" not in str(caught.value)
