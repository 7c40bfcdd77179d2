"""Adding one track's spectrogram to the store."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from soundatlas.errors import StoreError
from soundatlas.store.adding import add_to_store
from soundatlas.store.jobs import Job, compute
from soundatlas.store.reading import FAILURES_NAME, SpectrogramStore
from soundatlas.store.writing import remove_from_store
from soundatlas.tables import FAILURES, conform, write_table


@pytest.fixture
def add(clips, wanted, front_end):
    """Give a function that computes a track of the six clips and adds it to a store."""

    def add(folder, sha: str, tracks: int = 6):
        spectrogram = compute(Job(sha, clips, wanted[sha], front_end))
        return add_to_store(folder, front_end.sha256(), sha, spectrogram, tracks=tracks, paths=[wanted[sha]])

    return add


@pytest.mark.parametrize("number", range(6))
def test_a_store_that_lacked_one_is_as_if_it_never_had(store, built, wanted, add, content, number):
    """Wherever in the order the track stands, shards and tables are those of an update, to the byte."""
    sha = sorted(wanted)[number]
    remove_from_store(store, {sha})
    add(store, sha)
    assert content(store) == content(built[0])


def test_a_track_that_is_there_is_replaced(store, built, wanted, add, content):
    """Adding it again changes nothing."""
    add(store, sorted(wanted)[2])
    assert content(store) == content(built[0])


def test_a_store_can_begin_with_one(tmp_path, wanted, front_end, add, update, built, content):
    """The folder is made, one track can be read, and an update makes the rest and keeps it."""
    sha = sorted(wanted)[3]
    row = add(tmp_path / "new", sha)
    assert SpectrogramStore(tmp_path / "new", front_end.sha256()).log_mel(sha).shape == (row["frames"], 8)
    assert update(tmp_path / "new", wanted).kept == 1
    assert content(tmp_path / "new") == content(built[0])


def test_another_number_of_tracks_is_put_right_by_the_next_update(store, wanted, add, update, built, content):
    """A track goes into the shard of the catalogue's size, and the next update brings all into one order."""
    sha = min(wanted)
    remove_from_store(store, {sha})
    assert add(store, sha, tracks=150)["shard"].startswith("1-bits-")
    assert (update(store, wanted).computed, content(store)) == (0, content(built[0]))


def test_a_track_that_is_added_is_no_failure_any_more(store, wanted, add):
    """Its row goes, another's stays."""
    sha = sorted(wanted)[1]
    rows = [{"path": path, "stage": "spectrograms", "reason": "timeout"} for path in (wanted[sha], "other.wav")]
    write_table(conform(pd.DataFrame(rows), FAILURES), store / FAILURES_NAME)
    add(store, sha)
    assert pd.read_parquet(store / FAILURES_NAME)["path"].tolist() == ["other.wav"]


def test_spectrograms_of_two_front_ends_do_not_mix(store, clips, wanted, front_end, content):
    """A store of another front end is refused and stays as it was."""
    sha, other = min(wanted), replace(front_end, n_mels=10)
    before = content(store)
    with pytest.raises(StoreError, match="another front end: run `dvc repro spectrograms`"):
        add_to_store(store, other.sha256(), sha, compute(Job(sha, clips, wanted[sha], other)), tracks=6, paths=[])
    assert content(store) == before


def test_what_a_kill_left_is_removed(store, wanted, add, built, content):
    """A half-written shard of an earlier run does not stay."""
    shutil.copy(next(store.glob("*.safetensors")), store / ".0-bits-0-12345678.part.safetensors")
    add(store, min(wanted))
    assert content(store) == content(built[0])
