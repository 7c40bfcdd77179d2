"""The weights of musicnn: fetched by the real package client from a folder, checked, and kept."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from soundatlas.errors import BackboneUnavailableError
from soundatlas.learning import backbone_weights
from soundatlas.learning.backbone_weights import MEMBERS, cache_folder, checkpoint, weights_sha256

INFO = {
    "musicnn-0.1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: musicnn\nVersion: 0.1.0\n",
    "musicnn-0.1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Give an empty cache."""
    monkeypatch.setenv("SOUNDATLAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Give the empty folder that the package client has instead of the network."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def put_wheel(shelf, monkeypatch):
    """Give a function that puts a wheel on the shelf and makes it the one that we know."""

    def put(**changed: bytes) -> None:
        contents = {member: member.encode() for member in MEMBERS}
        known = {member: (ours, _sha256(contents[member])) for member, (ours, _) in MEMBERS.items()}
        monkeypatch.setattr(backbone_weights, "MEMBERS", known)
        wheel = shelf / "musicnn-0.1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for member, content in (INFO | contents | changed).items():
                archive.writestr(member, content)
        monkeypatch.setattr(backbone_weights, "WHEEL_SHA256", _sha256(wheel.read_bytes()))

    return put


def test_weights_are_fetched_once(cache, shelf, put_wheel) -> None:
    """The first call fetches both checkpoints and the licence; after that the network is not needed."""
    put_wheel()
    prefix = checkpoint("MSD_musicnn")
    assert prefix == cache / "musicnn-0.1.0" / "MSD_musicnn"
    assert {path.name for path in prefix.parent.iterdir()} == {ours for ours, _ in MEMBERS.values()}
    assert prefix.with_suffix(".index").read_bytes() == b"musicnn/MSD_musicnn/.index"
    (shelf / "musicnn-0.1.0-py3-none-any.whl").unlink()
    assert checkpoint("MTT_musicnn").parent == prefix.parent


def test_changed_cache_is_fetched_again(cache, put_wheel) -> None:
    """A cached file with other bytes is never used; what was there is replaced whole."""
    put_wheel()
    prefix = checkpoint("MSD_musicnn")
    prefix.with_suffix(".index").write_bytes(b"changed")
    assert checkpoint("MSD_musicnn").with_suffix(".index").read_bytes() == b"musicnn/MSD_musicnn/.index"
    assert [path.name for path in cache.iterdir()] == ["musicnn-0.1.0"]


@pytest.mark.usefixtures("shelf")
def test_without_network_there_is_one_line(cache) -> None:
    """What failed and how to do without; nothing half-fetched stays."""
    with pytest.raises(BackboneUnavailableError, match=r"^the weights .*No matching.*train\.backbone to none$"):
        checkpoint("MSD_musicnn")
    assert list(cache.iterdir()) == []


def test_another_wheel_is_refused(cache, put_wheel, monkeypatch) -> None:
    """A wheel with other bytes is refused before it is opened."""
    put_wheel()
    monkeypatch.setattr(backbone_weights, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(BackboneUnavailableError, match=r"musicnn==0\.1\.0 is not the file that we know"):
        checkpoint("MSD_musicnn")
    assert list(cache.iterdir()) == []


def test_changed_member_is_refused(cache, put_wheel) -> None:
    """Even in a wheel that we know, each file is checked."""
    put_wheel(**{"musicnn/MTT_musicnn/.index": b"other"})
    with pytest.raises(BackboneUnavailableError, match=r"MTT_musicnn/\.index is not the file"):
        checkpoint("MSD_musicnn")
    assert list(cache.iterdir()) == []


def test_huge_member_is_not_read(put_wheel, monkeypatch, cache) -> None:
    """A member that would unpack to more than the limit is refused by its size."""
    monkeypatch.setattr(backbone_weights, "MAX_MEMBER_BYTES", 100)
    put_wheel(**{"musicnn/MSD_musicnn/.index": b"0" * 101})
    with pytest.raises(BackboneUnavailableError, match="has 101 bytes"):
        checkpoint("MSD_musicnn")
    assert list(cache.iterdir()) == []


def test_slow_network_ends(cache, monkeypatch, shelf) -> None:
    """A package client that does not answer is given up."""
    monkeypatch.setattr(backbone_weights, "FETCH_SECONDS", 0.001)
    with pytest.raises(BackboneUnavailableError, match=r"no answer within 0\.001 s"):
        checkpoint("MSD_musicnn")
    assert list(cache.iterdir()) == list(shelf.iterdir()) == []


def test_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch) -> None:
    """A cache folder below a file cannot be made; that too is told in one line."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SOUNDATLAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(BackboneUnavailableError, match=r"nothing can be made here.*train\.backbone to none"):
        checkpoint("MSD_musicnn")


def test_cache_is_the_users_by_default(monkeypatch, tmp_path) -> None:
    """Without `SOUNDATLAS_CACHE` the weights lie in the user's own cache folder."""
    monkeypatch.delenv("SOUNDATLAS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "soundatlas"


def test_weights_have_a_hash_each() -> None:
    """What features depend on differs between the checkpoints."""
    first, second = weights_sha256("MSD_musicnn"), weights_sha256("MTT_musicnn")
    assert len(first) == len(second) == 2
    assert not set(first) & set(second)
