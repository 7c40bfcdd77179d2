"""Bringing the store up to date: the result is a function of the tracks, and only what is missing is computed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from soundatlas.errors import TrackError
from soundatlas.files import sha256_file
from soundatlas.store import shards
from soundatlas.store.jobs import Job, compute
from soundatlas.store.reading import SpectrogramStore
from soundatlas.store.shards import Shard
from soundatlas.store.writing import Update, remove_from_store, update_store
from soundatlas.tables import FAILURES, MANIFEST, read_table

SHARD = "0-bits-0.safetensors"
KILLED_UPDATE = Path(__file__).parents[1] / "resources" / "killed_update.py"


def _first(wanted: dict[str, str], count: int) -> dict[str, str]:
    return dict(sorted(wanted.items())[:count])


def _shuffled(wanted: dict[str, str]) -> dict[str, str]:
    return dict(sorted(wanted.items(), reverse=True))


def test_build_computes_every_track(built, wanted) -> None:
    """A first update computes all, and the store is one shard and two tables."""
    folder, update = built
    assert update == Update(computed=6, kept=0, removed=0, failed=0)
    assert sorted(path.name for path in folder.iterdir()) == [SHARD, "failures.parquet", "manifest.parquet"]
    manifest = read_table(folder / "manifest.parquet", MANIFEST)
    assert manifest["audio_sha256"].tolist() == sorted(wanted)
    assert set(manifest["shard"]) == {SHARD}


def test_updating_again_computes_and_changes_nothing(built, store, wanted, update, content) -> None:
    """With nothing new, every file keeps its bytes and the shard is not even written."""
    before = (store / SHARD).stat().st_ino
    assert update(store, _shuffled(wanted)) == Update(computed=0, kept=6, removed=0, failed=0)
    assert content(store) == content(built[0])
    assert (store / SHARD).stat().st_ino == before


def test_store_does_not_know_its_history(built, store, tmp_path, wanted, update, content) -> None:
    """Five tracks built at once, and six with one removed, are the same bytes; one added to five gives the six."""
    five = tmp_path / "five"
    assert update(five, _first(wanted, 5)) == Update(computed=5, kept=0, removed=0, failed=0)
    assert update(store, _first(wanted, 5)) == Update(computed=0, kept=5, removed=1, failed=0)
    assert content(store) == content(five) != content(built[0])
    assert update(five, _shuffled(wanted)) == Update(computed=1, kept=5, removed=0, failed=0)
    assert content(five) == content(built[0])


def test_renamed_file_is_not_computed_again(built, store, wanted, update, content, tmp_path) -> None:
    """A track is known by its bytes: where the file lies and what it is called is all the same."""
    moved = {sha: f"elsewhere/{number}.flac" for number, sha in enumerate(wanted)}
    assert update(store, moved, root=tmp_path) == Update(computed=0, kept=6, removed=0, failed=0)
    assert content(store) == content(built[0])


def test_growing_catalogue_is_regrouped_without_computing(
    built, store, wanted, update, front_end, content, monkeypatch
) -> None:
    """When one bit more of the hash chooses the shard, spectrograms move and none is computed; and back again."""
    monkeypatch.setattr(shards, "TRACKS_PER_SHARD", 2)
    assert update(store, wanted) == Update(computed=0, kept=6, removed=0, failed=0)
    names = {path.name for path in store.glob("*.safetensors")}
    assert SHARD not in names
    assert {name.partition("-")[0] for name in names} == {"2"}
    reader, whole = (SpectrogramStore(folder, front_end.sha256()) for folder in (store, built[0]))
    assert set(reader.manifest["shard"]) == names
    for sha in wanted:
        np.testing.assert_array_equal(reader.log_mel(sha), whole.log_mel(sha))
    monkeypatch.undo()
    assert update(store, wanted) == Update(computed=0, kept=6, removed=0, failed=0)
    assert content(store) == content(built[0])


def test_other_front_end_computes_all_anew(store, wanted, update, front_end) -> None:
    """A changed setting makes every spectrogram another one, and the old ones are gone."""
    other = replace(front_end, n_mels=9)
    assert update(store, wanted, other) == Update(computed=6, kept=0, removed=0, failed=0)
    reader = SpectrogramStore(store, other.sha256())
    assert {reader.log_mel(sha).shape[1] for sha in wanted} == {9}


@pytest.mark.parametrize("damage", ["cut", "header"])
def test_damaged_shard_is_computed_anew(damage, built, store, wanted, update, content) -> None:
    """A shard that cannot be read costs its tracks' computing and leaves no trace."""
    whole = (store / SHARD).read_bytes()
    (store / SHARD).write_bytes(whole[:-1] if damage == "cut" else whole[:8] + b"\xff" + whole[9:])
    assert update(store, wanted) == Update(computed=6, kept=0, removed=0, failed=0)
    assert content(store) == content(built[0])


def test_track_that_has_rotted_is_not_copied_into_another_shard(built, store, wanted, update, content) -> None:
    """Where a shard is written anew, a track whose bytes have changed is computed instead of copied."""
    rotten = bytearray((store / SHARD).read_bytes())
    rotten[-1] ^= 1  # within the last track
    (store / SHARD).write_bytes(rotten)
    _, *rest = sorted(wanted)
    without_first = {sha: wanted[sha] for sha in rest}
    assert update(store, without_first) == Update(computed=1, kept=4, removed=1, failed=0)
    assert update(store, wanted) == Update(computed=1, kept=5, removed=0, failed=0)
    assert content(store) == content(built[0])


def test_track_that_has_rotted_is_computed_anew(built, store, wanted, update, content, tmp_path) -> None:
    """A shard that looks otherwise than when it was seen to be sound is read, also where nothing is to be added."""
    known = tmp_path / "known-shards.json"
    assert update(store, wanted, known=known).kept == 6
    rotten = bytearray((store / SHARD).read_bytes())
    rotten[-1] ^= 1
    (store / SHARD).write_bytes(rotten)
    assert update(store, wanted, known=known) == Update(computed=1, kept=5, removed=0, failed=0)
    assert content(store) == content(built[0])


@pytest.mark.parametrize("memory", [b"", b"[1]", b'{"0-bits-0.safetensors": 3}', None])
def test_without_a_memory_every_shard_is_read(memory, built, store, wanted, update, content, tmp_path) -> None:
    """A memory that is absent, damaged or of something else trusts nothing."""
    known = tmp_path / "known-shards.json"
    if memory is not None:
        known.write_bytes(memory)
    rotten = bytearray((store / SHARD).read_bytes())
    rotten[-1] ^= 1
    (store / SHARD).write_bytes(rotten)
    assert update(store, wanted, known=known).computed == 1
    assert content(store) == content(built[0])


def test_shard_that_does_not_change_is_not_read(store, wanted, update, monkeypatch, tmp_path) -> None:
    """An update that adds nothing reads no spectrogram of a shard that looks as it did."""
    known = tmp_path / "known-shards.json"
    update(store, wanted, known=known)

    def read(*_):
        raise AssertionError

    monkeypatch.setattr(Shard, "kept", read)
    assert update(store, wanted, known=known).kept == len(wanted)


def test_what_a_killed_run_left_is_removed(built, store, wanted, update, content) -> None:
    """Half-written files and shards of another grouping go; nothing is computed."""
    (store / ".0-bits-0-abcd1234.part.safetensors").write_bytes(b"half")
    (store / ".manifest-abcd1234.part.parquet").write_bytes(b"half")
    shutil.copy(store / SHARD, store / "3-bits-7.safetensors")
    (store / "1-bits-0.safetensors").write_bytes(b"damaged")
    assert update(store, wanted) == Update(computed=0, kept=6, removed=0, failed=0)
    assert content(store) == content(built[0])


def test_what_is_not_ours_stays(store, wanted, update) -> None:
    """Files and folders of other names than ours are none of an update's business, nor of a removal's."""
    theirs = ["model.safetensors", ".x.part", ".photos.partial"]
    for name in theirs:
        (store / name).write_bytes(b"theirs")
    update(store, _first(wanted, 5))
    remove_from_store(store, set(wanted))
    assert [(store / name).read_bytes() for name in theirs] == [b"theirs"] * 3


def test_empty_catalogue_is_an_empty_store(tmp_path, store, update, content, front_end) -> None:
    """No tracks give tables without rows, whether there were tracks before or not."""
    assert update(tmp_path / "new", {}) == Update(computed=0, kept=0, removed=0, failed=0)
    assert update(store, {}) == Update(computed=0, kept=0, removed=6, failed=0)
    assert content(store) == content(tmp_path / "new")
    assert sorted(content(store)) == ["failures.parquet", "manifest.parquet"]
    assert len(SpectrogramStore(store, front_end.sha256()).manifest) == 0


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, make_clips, front_end):
    """Give clips, good and bad, with what they list and the reason of each bad one."""
    root = tmp_path_factory.mktemp("mixed")
    wanted = make_clips(root / "music", 3)
    wanted = {sha: f"music/{path}" for sha, path in wanted.items()}
    reasons = {}

    def add(name: str, content: bytes, reason: str) -> str:
        (root / "music" / name).write_bytes(content)
        sha = sha256_file(root / "music" / name)
        wanted[sha], reasons[sha] = f"music/{name}", reason
        return sha

    good = (root / "music" / "0.wav").read_bytes()
    add("text.mp3", b"no music", "not_audio")
    add("header.wav", good[:40] + bytes(4), "no_samples")
    add("short.wav", good[:40] + (800).to_bytes(4, "little") + good[44:844], "too_short")
    add("changed.wav", good + b"later", "changed")
    (root / "music" / "changed.wav").write_bytes(good)
    add("gone.wav", b"gone", "unreadable")
    (root / "music" / "gone.wav").unlink()
    calls: list[None] = []
    update = update_store(
        root / "store", wanted, front_end, root=root, timeout_seconds=120.0, advance=lambda: calls.append(None)
    )
    return root, wanted, reasons, update, len(calls)


def test_bad_files_are_rows_with_reasons(mixed) -> None:
    """Each file that cannot be used costs itself: its relative path, the reason and a sentence."""
    root, wanted, reasons, update, advanced = mixed
    assert update == Update(computed=3, kept=0, removed=0, failed=5)
    assert advanced == 8
    table = pd.read_parquet(root / "store" / "failures.parquet")
    failures = read_table(root / "store" / "failures.parquet", FAILURES)
    assert dict(zip(failures["path"], failures["reason"], strict=True)) == {
        wanted[sha]: reason for sha, reason in reasons.items()
    }
    assert set(failures["stage"]) == {"spectrograms"}
    assert failures["message"].str.len().gt(0).all()
    assert list(table.columns[: len(FAILURES)]) == list(FAILURES)


def test_files_that_could_not_be_listed_are_among_the_failures(store, wanted, clips, front_end) -> None:
    """They come first, by path, and the next update without them takes them out."""
    unlisted = [
        {"path": path, "stage": "ingest", "reason": "empty", "message": "no bytes", "audio_sha256": None}
        for path in ("b.wav", "a.wav")
    ]
    gone = {"0" * 64: "gone.wav"}
    for rows, paths in ((unlisted, ["a.wav", "b.wav", "gone.wav"]), ([], ["gone.wav"])):
        done = update_store(store, wanted | gone, front_end, root=clips, timeout_seconds=120.0, unlisted=rows)
        assert done == Update(computed=0, kept=6, removed=0, failed=1)
        assert read_table(store / "failures.parquet", FAILURES)["path"].tolist() == paths


def test_bad_files_are_not_in_the_manifest(mixed, front_end) -> None:
    """The manifest and the shards hold the tracks that can be used and no others."""
    root, wanted, reasons, *_ = mixed
    reader = SpectrogramStore(root / "store", front_end.sha256())
    assert set(reader.manifest.index) == set(wanted) - set(reasons)
    assert set(Shard(root / "store" / SHARD).rows) == set(wanted) - set(reasons)


def test_file_that_is_mended_is_computed(mixed, front_end) -> None:
    """A failure is tried again by the next update; what has been computed is kept."""
    root, wanted, reasons, *_ = mixed
    mended = next(sha for sha, reason in reasons.items() if reason == "changed")
    path = root / wanted[mended]
    good = path.read_bytes()
    path.write_bytes(good + b"later")
    some = {sha: path for sha, path in wanted.items() if sha not in reasons or sha == mended}
    folder = shutil.copytree(root / "store", root / "mended")
    again = update_store(folder, some, front_end, root=root, timeout_seconds=120.0)
    path.write_bytes(good)
    assert again == Update(computed=1, kept=3, removed=0, failed=0)
    assert mended in SpectrogramStore(folder, front_end.sha256())
    assert len(read_table(folder / "failures.parquet", FAILURES)) == 0


def test_catalogue_of_bad_files_alone_is_a_store(tmp_path, front_end) -> None:
    """When every track fails there are failures, and no spectrograms."""
    (tmp_path / "a.mp3").write_text("no music")
    wanted = {sha256_file(tmp_path / "a.mp3"): "a.mp3"}
    update = update_store(tmp_path / "store", wanted, front_end, root=tmp_path, timeout_seconds=120.0)
    assert update == Update(computed=0, kept=0, removed=0, failed=1)
    assert len(SpectrogramStore(tmp_path / "store", front_end.sha256()).manifest) == 0
    assert read_table(tmp_path / "store" / "failures.parquet", FAILURES)["reason"].tolist() == ["not_audio"]


def test_bytes_other_than_those_listed_are_not_computed(clips, wanted, front_end) -> None:
    """A file that was exchanged after it was listed is refused, though it is good audio."""
    first, second, *_ = wanted
    assert len(compute(Job(first, clips, wanted[first], front_end)).log_mel) > 0
    with pytest.raises(TrackError, match="changed"):
        compute(Job(first, clips, wanted[second], front_end))


@pytest.fixture(scope="module")
def killing(tmp_path_factory, make_clips, front_end):
    """Give twenty clips for updates that are killed, and the store that an undisturbed update makes of them."""
    root = tmp_path_factory.mktemp("killing")
    wanted = make_clips(root, 20)
    order = {"wanted": wanted, "front_end": asdict(front_end), "timeout_seconds": 120.0}
    (root / "wanted.json").write_text(json.dumps(order))
    undisturbed = root / "undisturbed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "TRACKS_PER_SHARD", 3)
        update_store(undisturbed, wanted, front_end, root=root, timeout_seconds=120.0)
    return root, wanted, undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("moment", "number", "shards_left"),
    [("clip", 1, 0), ("clip", 11, 1), ("shard", 4, 3), ("tables", 0, 8)],
    ids=["in the first shard", "between shards", "with half a shard", "before the tables"],
)
def test_killed_update_is_gone_on_from(
    moment, number, shards_left, killing, tmp_path, front_end, content, monkeypatch
) -> None:
    """Whenever an update is killed, the next one keeps the whole shards and ends with the undisturbed store's bytes."""
    root, wanted, undisturbed = killing
    folder = tmp_path / "store"
    killed = subprocess.run(
        [sys.executable, str(KILLED_UPDATE), str(folder), str(root), moment, str(number)],
        check=False,
        capture_output=True,
        timeout=300,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    left = {path.name: path.read_bytes() for path in folder.glob("[!.]*")}
    assert len(left) >= shards_left
    assert left.items() <= content(undisturbed).items()
    assert (moment == "shard") == any(path.name.startswith(".") for path in folder.iterdir())
    kept = sum(len(Shard(folder / name).rows) for name in left)
    monkeypatch.setattr(shards, "TRACKS_PER_SHARD", 3)
    update = update_store(folder, wanted, front_end, root=root, timeout_seconds=120.0)
    assert update == Update(computed=20 - kept, kept=kept, removed=0, failed=0)
    assert content(folder) == content(undisturbed)


def test_tracks_taken_out_leave_the_store_of_the_others(store, wanted, update, content, tmp_path) -> None:
    """Nothing is computed, and the store is byte for byte the one that the other tracks make."""
    gone = sorted(wanted)[1:3]
    assert remove_from_store(store, {*gone, "unknown"}) == [SHARD]
    update(tmp_path / "others", {sha: path for sha, path in wanted.items() if sha not in gone})
    assert content(store) == content(tmp_path / "others")
    assert remove_from_store(store, set(gone)) == []


def test_the_last_track_takes_its_shard_along(store, wanted) -> None:
    """A store without tracks has tables without rows and no shard; a folder that is not there is nothing to do."""
    assert remove_from_store(store, set(wanted)) == [SHARD]
    assert sorted(path.name for path in store.iterdir()) == ["failures.parquet", "manifest.parquet"]
    assert read_table(store / "manifest.parquet", MANIFEST).empty
    assert remove_from_store(store / "nowhere", set(wanted)) == []


def test_a_killed_removal_is_no_obstacle(store, wanted, content, update, tmp_path) -> None:
    """What a killed one left half-written is cleared away, and the tracks are taken out."""
    (store / f".0-bits-0-abcd1234.part{shards.SUFFIX}").write_bytes(b"half")
    gone = sorted(wanted)[:1]
    assert remove_from_store(store, set(gone)) == [SHARD]
    update(tmp_path / "others", {sha: path for sha, path in wanted.items() if sha not in gone})
    assert content(store) == content(tmp_path / "others")
