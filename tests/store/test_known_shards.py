"""Remembering which shards were seen to be sound."""

from __future__ import annotations

import os

import pytest

from soundatlas.store.known_shards import KnownShards


@pytest.fixture
def shard(tmp_path):
    """Give a file."""
    path = tmp_path / "0-bits-0.safetensors"
    path.write_bytes(b"sound")
    return path


@pytest.mark.parametrize("changed", ["size", "time", "file", None])
def test_a_shard_is_known_by_its_looks(changed, shard, tmp_path) -> None:
    """Another size, another time or another file of that name is another shard."""
    memory = tmp_path / "known.json"
    KnownShards(memory).remember([shard])
    status = shard.stat()
    if changed == "size":
        shard.write_bytes(b"other sound")
        os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif changed == "time":
        os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    elif changed == "file":
        beside = tmp_path / "beside"
        beside.write_bytes(b"sound")
        os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
        beside.replace(shard)
    assert KnownShards(memory).holds(shard) == (changed is None)


def test_only_what_is_there_is_remembered(shard, tmp_path) -> None:
    """What was remembered before is forgotten; without a place nothing is remembered."""
    memory, other = tmp_path / "known.json", tmp_path / "1-bits-0.safetensors"
    other.write_bytes(b"another")
    KnownShards(memory).remember([shard])
    KnownShards(memory).remember([other])
    assert not KnownShards(memory).holds(shard)
    assert KnownShards(memory).holds(other)
    KnownShards(None).remember([shard])
    assert not KnownShards(None).holds(shard)
