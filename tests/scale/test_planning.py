"""The plan of an update names the shards that have something to do, and no other."""

from __future__ import annotations

import shutil

import pytest

from soundatlas.scale.places import Place
from soundatlas.scale.planning import plan_update
from soundatlas.store import shards
from soundatlas.store.shards import Shard


@pytest.fixture
def held(built) -> dict[str, str]:
    """Give the tracks that the store holds: audio SHA-256 -> name of its shard."""
    return {sha: path.name for path in built.glob("*.safetensors") for sha in Shard(path).rows}


def test_empty_store_needs_every_shard(wanted, front_end, tmp_path):
    """Of nothing, every shard is built, the one with most to compute first."""
    plan = plan_update(Place(str(tmp_path)), wanted, front_end.sha256())
    assert (plan.missing, plan.kept, plan.removed) == (len(wanted), 0, 0)
    assert sorted(shard.name for shard in plan.shards) == sorted(plan.layout)
    counts = [len(shard.missing) for shard in plan.shards]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == len(wanted)


def test_whole_store_needs_nothing(built, held, wanted, front_end):
    """With all tracks there, no shard has anything to do."""
    plan = plan_update(Place(str(built)), {sha: wanted[sha] for sha in held}, front_end.sha256())
    assert (plan.shards, plan.missing, plan.kept) == ([], 0, len(held))


def test_one_track_more_is_one_shard(built, held, wanted, front_end):
    """A new track is planned into its shard, whose others are held."""
    new = max(held)[:8] + "0" * 56
    plan = plan_update(Place(str(built)), {**{sha: wanted[sha] for sha in held}, new: "new.wav"}, front_end.sha256())
    (shard,) = plan.shards
    assert shard.missing == [new]
    assert shard.held == {sha: name for sha, name in held.items() if name == shard.name}
    assert shard.stays


def test_track_less_rewrites_one_shard(built, held, wanted, front_end):
    """A track that left is taken out of its shard; nothing but what failed before is to be computed."""
    left = max(held)
    plan = plan_update(Place(str(built)), {sha: wanted[sha] for sha in wanted if sha != left}, front_end.sha256())
    assert [shard.name for shard in plan.shards if not shard.stays] == [held[left]]
    assert left not in {sha for shard in plan.shards for sha in shard.paths}
    assert (plan.missing, plan.removed) == (len(wanted) - len(held), 1)


def test_other_grouping_moves_what_is_held(built, held, wanted, front_end, monkeypatch):
    """When fewer shards are wanted, spectrograms come from where they are."""
    monkeypatch.setattr(shards, "TRACKS_PER_SHARD", 100)
    plan = plan_update(Place(str(built)), {sha: wanted[sha] for sha in held}, front_end.sha256())
    (shard,) = plan.shards
    assert (shard.name, shard.held, plan.missing) == ("0-bits-0.safetensors", held, 0)


def test_shards_of_another_front_end_or_damaged_are_computed_anew(built, held, wanted, front_end, tmp_path):
    """What cannot be gone on from counts as not there."""
    wanted = {sha: wanted[sha] for sha in held}
    assert plan_update(Place(str(built)), wanted, "other").missing == len(held)
    store = shutil.copytree(built, tmp_path / "store")
    name = held[max(held)]
    (store / name).write_bytes((store / name).read_bytes()[:-1])
    plan = plan_update(Place(str(store)), wanted, front_end.sha256())
    assert [shard.name for shard in plan.shards] == [name]
    assert plan.missing == sum(shard == name for shard in held.values())
