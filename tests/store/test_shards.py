"""Shards: which track lies where, and reading back what was written."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import save_file

from soundatlas.audio.spectrogram import Spectrogram
from soundatlas.errors import StoreError
from soundatlas.store.rows import checksum, describe_spectrogram
from soundatlas.store.shards import (
    METADATA_KEY,
    TRACKS_PER_SHARD,
    Shard,
    bucket_bits,
    list_shards,
    readable_shards,
    shard_name,
    write_shard,
)

CONTRACT = "c" * 64
SHA = st.binary(min_size=32, max_size=32).map(bytes.hex)


def _spectrogram(seed: int, frames: int = 7) -> Spectrogram:
    log_mel = np.random.default_rng(seed).normal(-40, 10, (frames, 5)).astype(np.float32)
    return Spectrogram(log_mel, frames * 0.016, 44_100, 2)


def _tracks(*seeds: int) -> dict:
    """Make a shard's content, in the order of `seeds`."""
    tracks = {}
    for seed in seeds:
        spectrogram = _spectrogram(seed, frames=seed + 1)
        sha = hashlib.sha256(bytes([seed])).hexdigest()
        described = describe_spectrogram("0-bits-0.safetensors", spectrogram)
        tracks[sha] = (described.log_mel, described.row)
    return tracks


@pytest.fixture
def path(tmp_path):
    """Give the path of a shard of three tracks."""
    write_shard(tmp_path / "0-bits-0.safetensors", CONTRACT, _tracks(0, 1, 2))
    return tmp_path / "0-bits-0.safetensors"


@given(st.integers(0, 10**7))
def test_bits_are_the_fewest_that_keep_shards_small(tracks) -> None:
    """On average a shard holds at most 100 tracks, and half as many shards would hold more."""
    bits = bucket_bits(tracks)
    assert tracks / 2**bits <= TRACKS_PER_SHARD
    assert bits == 0 or tracks / 2 ** (bits - 1) > TRACKS_PER_SHARD


@given(SHA, st.integers(0, 20))
def test_one_bit_more_divides_a_shard_in_two(sha, bits) -> None:
    """A track's bucket at one bit more is one of the two halves of its bucket."""

    def bucket(count: int) -> int:
        stated, _, number = shard_name(sha, count).removesuffix(".safetensors").partition("-bits-")
        assert int(stated) == count
        return int(number, 16)

    assert 0 <= bucket(bits) < 2**bits
    assert bucket(bits + 1) // 2 == bucket(bits)


def test_tracks_spread_over_all_shards() -> None:
    """Hashes fill every bucket."""
    names = {shard_name(hashlib.sha256(str(number).encode()).hexdigest(), 4) for number in range(500)}
    assert len(names) == 16


@pytest.mark.parametrize("name", ["model", "3-bits-g", "bits-0", "3-bits-", "my 0-bits-0", ".0-bits-0"])
def test_other_files_beside_shards_are_none(name, path) -> None:
    """A file that is not called as a shard is, is none; one that is called so but damaged is, and cannot be read."""
    path.with_name(f"{name}.safetensors").write_bytes(path.read_bytes())
    damaged = path.with_name("3-bits-a.safetensors")
    damaged.write_bytes(b"")
    assert list_shards(path.parent) == [path, damaged]
    assert [shard.path for shard in readable_shards(path.parent)] == [path]


def test_shard_gives_back_what_was_written(path) -> None:
    """Spectrograms, rows of the manifest and the front end's hash come back as they were, bit for bit."""
    tracks, shard = _tracks(0, 1, 2), Shard(path)
    assert shard.contract_sha256 == CONTRACT
    assert shard.rows == {sha: row for sha, (_, row) in tracks.items()}
    for sha, (log_mel, _) in tracks.items():
        found = shard.log_mel(sha)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, log_mel)
        np.testing.assert_array_equal(shard.frames(sha, 0, 1), log_mel[:1])


def test_equal_content_gives_equal_bytes(path, tmp_path) -> None:
    """The order in which tracks are handed over leaves no trace."""
    write_shard(tmp_path / "other", CONTRACT, _tracks(2, 0, 1))
    assert (tmp_path / "other").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("changed", ["track", "contract", "row"])
def test_other_content_gives_other_bytes(changed, path, tmp_path) -> None:
    """One track less, another front end or another row is another file."""
    tracks = _tracks(0, 1) if changed == "track" else _tracks(0, 1, 2)
    if changed == "row":
        next(iter(tracks.values()))[1]["channels"] = 1
    write_shard(tmp_path / "other", "d" * 64 if changed == "contract" else CONTRACT, tracks)
    assert (tmp_path / "other").read_bytes() != path.read_bytes()


def test_view_in_another_memory_order_is_written_rightly(tmp_path) -> None:
    """A spectrogram that lies transposed in memory is written as it reads."""
    sha, log_mel = "0" * 64, np.arange(12, dtype=np.float16).reshape(3, 4).T
    write_shard(tmp_path / "a", CONTRACT, {sha: (log_mel, {"checksum": checksum(log_mel)})})
    np.testing.assert_array_equal(Shard(tmp_path / "a").log_mel(sha), log_mel)


@pytest.mark.parametrize("read", [lambda shard, sha: shard.log_mel(sha), lambda shard, sha: shard.frames(sha, 0, 1)])
def test_changed_byte_of_a_track_is_noticed_when_it_is_read(read, path) -> None:
    """One flipped bit names the shard and the track, whole or in part; the shard's other tracks stay readable."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # within the last track's last cell
    path.write_bytes(content)
    shard = Shard(path)
    *sound, rotten = sorted(shard.rows)
    with pytest.raises(StoreError, match=rf"shard 0-bits-0\.safetensors is damaged.*{rotten[:12]}.*--repair"):
        read(shard, rotten)
    for sha in sound:
        assert len(shard.log_mel(sha)) == shard.rows[sha]["frames"]


def test_track_that_is_gone_is_told(path) -> None:
    """Whoever reads by a manifest of before, while an update is cut off, is told to run it again."""
    with pytest.raises(StoreError, match=r"shard 0-bits-0\.safetensors no longer holds track 000000000000: run"):
        Shard(path).log_mel("0" * 64)
    with pytest.raises(StoreError, match="no longer holds"):
        Shard(path).frames("0" * 64, 0, 1)


def test_shard_of_an_earlier_version_is_refused(tmp_path) -> None:
    """A shard in float32 is none of ours any more, and the message says what makes it one."""
    tracks = {sha: (log_mel.astype(np.float32), row) for sha, (log_mel, row) in _tracks(0).items()}
    about = {"contract_sha256": CONTRACT, "tracks": {sha: row for sha, (_, row) in tracks.items()}}
    tensors = {sha: log_mel for sha, (log_mel, _) in tracks.items()}
    save_file(tensors, tmp_path / "a", metadata={METADATA_KEY: json.dumps(about)})
    with pytest.raises(StoreError, match="shard a is of an earlier version, in float32: run `soundatlas spectrograms"):
        Shard(tmp_path / "a")


def test_shard_without_tracks_is_whole(tmp_path) -> None:
    """A bucket whose every track failed is a shard all the same."""
    write_shard(tmp_path / "a", CONTRACT, {})
    assert Shard(tmp_path / "a").rows == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:4],
        lambda content: content[:200],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content[:8] + b"}" + content[9:],
        lambda content: content.replace(b'"soundatlas"', b'"sundatlass"'),
        lambda content: content.replace(hashlib.sha256(b"\0").hexdigest().encode(), b"0" * 64, 1),
        lambda _: b"a shopping list",
    ],
    ids=[
        "no bytes",
        "within the length",
        "within the header",
        "one byte less",
        "one byte more",
        "length",
        "JSON",
        "key",
        "name",
        "text",
    ],
)
def test_damaged_shard_is_refused_by_name(damage, path) -> None:
    """Whatever is missing or overwritten, the message names the shard and the way out."""
    before = path.read_bytes()
    path.write_bytes(damage(before))
    assert path.read_bytes() != before
    with pytest.raises(
        StoreError, match=r"shard 0-bits-0\.safetensors is damaged.*--repair`, then `soundatlas spectrograms"
    ):
        Shard(path)


@pytest.mark.parametrize(
    "about", [None, 5, [], {}, {"contract_sha256": CONTRACT}, {"contract_sha256": CONTRACT, "tracks": 5}], ids=str
)
def test_metadata_of_another_shape_is_damage(about, tmp_path) -> None:
    """A tensor file that something else wrote is no shard."""
    metadata = None if about is None else {METADATA_KEY: json.dumps(about)}
    save_file({"0" * 64: np.zeros((2, 2), dtype=np.float32)}, tmp_path / "a", metadata=metadata)
    with pytest.raises(StoreError, match="shard a is damaged"):
        Shard(tmp_path / "a")


def test_missing_shard_is_damage(tmp_path) -> None:
    """A shard that is not there is named too."""
    with pytest.raises(StoreError, match="shard a is damaged"):
        Shard(tmp_path / "a")


def test_full_disk_is_one_clear_error_and_the_shard_before_stays(tmp_path, monkeypatch) -> None:
    """What safetensors says of a write that failed is passed on, and nothing half-written is left."""
    path = tmp_path / "0-bits-0.safetensors"
    path.write_bytes(b"before")

    def fail(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.numpy.save_file", fail)
    with pytest.raises(StoreError, match="No space left"):
        write_shard(path, "contract", {})
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [(path.name, b"before")]
