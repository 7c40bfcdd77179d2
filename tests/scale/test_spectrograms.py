"""A store that Beam brings up to date is, byte for byte, the one that the local engine makes."""

from __future__ import annotations

import fsspec
import pytest

from soundatlas.errors import StoreError
from soundatlas.progress import silent
from soundatlas.scale import shard_work
from soundatlas.scale.attempted import ignore, write_attempted
from soundatlas.scale.places import Place
from soundatlas.scale.spectrograms import update_store_with_beam
from soundatlas.store.writing import Update, update_store
from soundatlas.workers import retrying

TIMEOUT_SECONDS = 120.0
RETRIES = 2


@pytest.fixture
def update(clips, front_end, direct):
    """Give `update_store_with_beam` with the clips and the engine filled in."""

    def update(store: Place, wanted: dict[str, str], advance=silent, note=ignore) -> Update:
        return update_store_with_beam(
            store,
            wanted,
            front_end,
            project=Place(str(clips)),
            timeout_seconds=TIMEOUT_SECONDS,
            retries=RETRIES,
            engine=direct,
            advance=advance,
            note=note,
        )

    return update


@pytest.fixture
def storage():
    """Give an empty place that is no folder of this machine."""
    yield Place("memory://store")
    fsspec.filesystem("memory").rm("/store", recursive=True)


def test_store_on_a_disk_is_the_local_one(update, wanted, built, tmp_path, content):
    """Shards, manifest and failures are equal row for row and byte for byte, and progress ends at all tracks."""
    steps = []
    store = Place(str(tmp_path / "store"))
    assert update(store, wanted, lambda count=1: steps.append(count)) == Update(7, 0, 0, 2)
    assert content(store) == content(Place(str(built)))
    assert sum(steps) == len(wanted)


def test_all_that_workers_attempt_is_noted(update, wanted, tmp_path):
    """Each track has its attempts, those that failed too; what a killed job left is told by the next one."""
    store, noted = Place(str(tmp_path / "store")), []
    update(store, wanted, note=lambda _, attempted: noted.extend(attempted.items()))
    assert sorted(sha for sha, _ in noted) == sorted(wanted)
    reasons = [attempts[-1].failure.reason if attempts[-1].failure else "" for _, attempts in noted if attempts]
    assert sorted(reasons) == ["", "", "", "", "", "", "", "not_audio", "unreadable"]
    assert all(each.seconds > 0 for _, attempts in noted for each in attempts)
    left = {"e" * 64: noted[0][1]}
    write_attempted(store, "0-bits-0.safetensors", "of before", left)
    again = []
    update(store, wanted, note=lambda contract, attempted: again.append((contract, attempted)))
    assert again[0] == ("of before", left)


def test_store_in_another_storage_is_the_local_one(update, wanted, built, storage, content):
    """What workers write where no disk is has the same names and bytes."""
    assert update(storage, wanted) == Update(7, 0, 0, 2)
    assert content(storage) == content(Place(str(built)))


def test_only_what_is_missing_is_computed(update, wanted, clips, front_end, tmp_path, content):
    """From any earlier state the store becomes what it would be at once, and counts what it cost as locally."""
    there, beside = Place(str(tmp_path / "there")), tmp_path / "local"
    first = dict(sorted(wanted.items())[:5])
    later = dict(sorted(wanted.items())[2:])
    (tmp_path / "there").mkdir()
    (tmp_path / "there/.0-bits-0-12345678.part.safetensors").write_bytes(b"left by a killed worker")
    for wish in (first, later, later, {}):
        local = update_store(
            beside, wish, front_end, root=clips, timeout_seconds=TIMEOUT_SECONDS, workers=1, map_jobs=retrying(RETRIES)
        )
        assert update(there, wish) == local
        assert content(there) == content(Place(str(beside)))


def test_full_disk_is_one_line(update, wanted, tmp_path, monkeypatch):
    """A shard that no worker can write ends the update with why, and leaves no tables that do not fit."""

    def refuse(*_):
        raise StoreError("shard x cannot be written (no space): mend that and run it again")

    monkeypatch.setattr(shard_work, "write_shard", refuse)
    with pytest.raises(StoreError, match="no space"):
        update(Place(str(tmp_path / "store")), wanted)
    assert not list((tmp_path / "store").iterdir())
