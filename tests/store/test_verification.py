"""Whether a store is what was written."""

from __future__ import annotations

import pandas as pd
import pytest

from soundatlas.store.verification import Verified, remove_damaged, verify_store

SHARD = "0-bits-0.safetensors"


def test_store_as_it_was_written(store) -> None:
    """Every spectrogram of a sound store is counted."""
    assert verify_store(store) == Verified(1, 6, {})


@pytest.mark.parametrize("place", [-1, -2000, 9], ids=["last cell", "another cell", "header"])
def test_changed_byte_is_found_and_repaired(place, built, store, wanted, update, content) -> None:
    """Wherever a bit flips, the shard is named; repaired and updated, the store is what it was."""
    damaged = bytearray((store / SHARD).read_bytes())
    damaged[place] ^= 1
    (store / SHARD).write_bytes(damaged)
    found = verify_store(store)
    assert list(found.damaged) == [SHARD]
    assert SHARD in found.damaged[SHARD]
    remove_damaged(store, found)
    update(store, wanted)
    assert content(store) == content(built[0])


def test_manifest_that_says_otherwise(built, store, wanted, update, content, tmp_path) -> None:
    """A manifest of other tracks than the shards hold is damage of the manifest alone."""
    update(tmp_path / "smaller", dict(sorted(wanted.items())[:3]))
    (store / "manifest.parquet").write_bytes((tmp_path / "smaller/manifest.parquet").read_bytes())
    found = verify_store(store)
    assert found.damaged == {"manifest.parquet": "manifest.parquet does not say what the shards say"}
    remove_damaged(store, found)
    assert update(store, wanted).kept == 6
    assert content(store) == content(built[0])


def test_what_is_not_ours_is_neither_damaged_nor_removed(store) -> None:
    """Of files that are not called as shards are nothing is said, and repairing leaves them alone."""
    (store / "model.safetensors").write_bytes(b"theirs")
    (store / SHARD).write_bytes(b"rotten")
    found = verify_store(store)
    assert list(found.damaged) == [SHARD]
    remove_damaged(store, found)
    assert (store / "model.safetensors").read_bytes() == b"theirs"


@pytest.mark.parametrize("columns", [None, {"audio_sha256": ["a"]}])
def test_manifest_that_cannot_be_read_is_told_once(columns, store) -> None:
    """What is wrong with it is told, without advice for another kind of store."""
    if columns is None:
        (store / "manifest.parquet").write_bytes(b"PAR1 nothing")
    else:
        pd.DataFrame(columns).to_parquet(store / "manifest.parquet")
    (problem,) = verify_store(store).damaged.values()
    assert problem.startswith("manifest.parquet is damaged (")
    assert "dvc" not in problem


def test_missing_manifest_is_damage(store) -> None:
    """Shards without their manifest cannot be read, and are said to be so."""
    (store / "manifest.parquet").unlink()
    assert list(verify_store(store).damaged) == ["manifest.parquet"]
