"""A shard's header is read alone, and damage is noticed."""

from __future__ import annotations

import shutil

import pytest

from soundatlas.errors import StoreError
from soundatlas.scale.places import Place
from soundatlas.scale.shard_headers import read_header
from soundatlas.store.shards import Shard


def test_header_says_what_the_shard_says(built, front_end):
    """Contract and rows are those that reading the whole shard gives."""
    for path in built.glob("*.safetensors"):
        header = read_header(Place(str(built)), path.name)
        assert header.contract_sha256 == front_end.sha256()
        assert header.rows == Shard(path).rows


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda whole: whole[:-1], "long"),
        (lambda whole: whole[:20], "damaged"),
        (lambda whole: whole[:0], "damaged"),
        (lambda whole: b"\xff" * 8 + whole[8:], "damaged"),
        (lambda whole: whole[:8] + b"\xff" + whole[9:], "damaged"),
        (lambda whole: whole.replace(b'"soundatlas"', b'"soundaxlas"'), "damaged"),
    ],
)
def test_damaged_shard_is_noticed(built, tmp_path, damage, word):
    """A shard that was cut, or whose header is not one, is a fault that names it."""
    source = max(built.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    shutil.copy(source, tmp_path)
    (tmp_path / source.name).write_bytes(damage(source.read_bytes()))
    with pytest.raises(StoreError, match=rf"{source.name}.*{word}"):
        read_header(Place(str(tmp_path)), source.name)
