"""One shard, made by one worker: what it computes, copies, repairs, and says of what failed."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import scale_work

from soundatlas.scale import guards, shard_work
from soundatlas.scale.attempted import PREFIX
from soundatlas.scale.places import Place
from soundatlas.scale.planning import plan_update, shards_of
from soundatlas.scale.shard_work import ShardDone, ShardPlan, build_shard
from soundatlas.store import spool
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.tables import FAILURES, read_table


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)


def plans(setting, wanted) -> list[ShardPlan]:
    """Return what is to be done in a setting."""
    return plan_update(setting.store, wanted, setting.front_end.sha256()).shards


def shards_in(place: Place) -> dict[str, bytes]:
    """Return the bytes of each shard."""
    return {name: place.read(name) for name in shards_of(place)}


def test_shards_and_failures_are_those_of_the_local_engine(setting, wanted, built):
    """Byte for byte the same shards, and the same reasons and words for what failed."""
    done = [build_shard(plan, setting) for plan in plans(setting, wanted)]
    assert shards_in(setting.store) == shards_in(Place(str(built)))
    failures = {row["path"]: row for each in done for row in each.failures}
    expected = read_table(built / FAILURES_NAME, FAILURES).to_dict("records")
    assert [{name: failures[row["path"]][name] for name in FAILURES} for row in expected] == expected
    assert {row["reason"] for row in expected} == {"not_audio", "unreadable"}
    assert len(failures) == len(expected)


def test_doing_it_again_changes_nothing(setting, wanted, built):
    """A runner that gives the same piece of work twice gets the same shard."""
    plan = plans(setting, wanted)[0]
    assert build_shard(plan, setting) == build_shard(plan, setting)
    assert setting.store.read(plan.name) == (built / plan.name).read_bytes()


def test_tracks_that_wait_on_disk_make_the_same_shard(setting, wanted, built, monkeypatch):
    """Tracks too long for the memory wait on disk, computed or copied, and nothing of them stays."""
    monkeypatch.setattr(spool, "MOST_HELD_BYTES", 0)
    for half in (dict(sorted(wanted.items())[::2]), wanted):
        for plan in plans(setting, half):
            build_shard(plan, setting)
    assert {name: setting.store.read(name) for name in shards_in(Place(str(built)))} == shards_in(Place(str(built)))
    assert not [path for path in setting.store.local.glob(".*") if not path.name.startswith(PREFIX)]


def test_decoder_that_crashes_costs_its_track(setting, wanted, monkeypatch):
    """The worker lives, the other tracks of the shard are there, and the track has its row."""
    monkeypatch.setattr(shard_work, "describe", scale_work.describe_or_crash)
    (plan,) = (plan for plan in plans(setting, wanted) if scale_work.CRASHER in plan.paths.values())
    done = build_shard(plan, setting)
    reasons = {row["path"]: row["reason"] for row in done.failures}
    assert reasons[scale_work.CRASHER] == "crashed"
    (rest,) = plans(setting, plan.paths)
    assert [rest.paths[sha] for sha in rest.missing] == sorted(reasons)


def test_reason_that_passes_is_no_failure(setting, wanted, clips, tmp_path, monkeypatch):
    """A file that cannot be read for a moment is read at the next attempt."""
    folder = shutil.copytree(clips, tmp_path / "clips")
    monkeypatch.setattr(shard_work, "describe", scale_work.unreadable_at_first)
    (sha,) = (sha for sha, path in wanted.items() if path == "0.wav")
    (plan,) = plans(setting, {sha: "0.wav"})
    assert build_shard(plan, replace(setting, project=Place(str(folder)))) == ShardDone(plan.name, [])
    assert (folder / "0.wav.seen").exists()


def test_track_that_has_rotted_is_computed_again(setting, wanted, built):
    """A spectrogram whose bytes changed in its shard is not copied into the next one."""
    for path in built.iterdir():
        shutil.copy(path, setting.store.local)
    name = max(shards_in(setting.store), key=lambda name: len(setting.store.read(name)))
    rotten = bytearray(setting.store.read(name))
    rotten[-1] ^= 1
    (setting.store.local / name).write_bytes(rotten)
    (plan,) = (plan for plan in plans(setting, wanted | {name_like(name): "gone too.wav"}) if plan.name == name)
    plan = replace(plan, stays=False)  # as when a track has left it
    done = build_shard(plan, setting)
    assert done.repaired == 1
    assert setting.store.read(name) == (built / name).read_bytes()


def name_like(shard: str) -> str:
    """Return a hash that belongs to a shard."""
    bits, _, bucket = shard.partition(".")[0].split("-")
    return f"{int(bucket, 16) << (32 - int(bits)):08x}" + "0" * 56


def test_audio_elsewhere_is_fetched(setting, wanted, clips, built):
    """Audio in a storage that is no disk of the worker gives the same shards."""
    there = Place("memory://audio")
    there.fill(clips)
    for plan in plans(setting, wanted):
        build_shard(plan, replace(setting, project=there))
    assert shards_in(setting.store) == shards_in(Place(str(built)))


def test_shard_that_cannot_be_written_is_told(setting, wanted, monkeypatch):
    """What keeps a shard from being written is said once, and the job need not try it again and again."""
    from soundatlas.errors import StoreError

    def refuse(*_):
        raise StoreError("shard x cannot be written (no space): mend that and run it again")

    monkeypatch.setattr(shard_work, "write_shard", refuse)
    assert "no space" in build_shard(plans(setting, wanted)[0], setting).fault


def test_worker_with_other_code_computes_nothing(setting, wanted):
    """A worker that would hear otherwise says so, and leaves the store as it is."""
    done = build_shard(plans(setting, wanted)[0], replace(setting, code_sha256="another"))
    assert "another version of soundatlas" in done.fault
    assert setting.store.signatures() == {}
