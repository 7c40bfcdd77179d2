"""Reading spectrograms by audio hash."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.errors import SoundatlasError, StoreError
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore

SHARD = "0-bits-0.safetensors"


def test_every_track_is_what_the_front_end_computes(built, clips, wanted, front_end) -> None:
    """The store holds what the front end gives for a track's file, each cell rounded to float16."""
    store = SpectrogramStore(built[0], front_end.sha256())
    assert set(store.manifest.index) == set(wanted)
    for sha, path in wanted.items():
        expected = analyse_file(clips / path, front_end)
        assert store.log_mel(sha).dtype == np.float32
        np.testing.assert_array_equal(store.log_mel(sha), expected.log_mel.astype(np.float16))
        assert store.frame_count(sha) == len(expected.log_mel)
        assert store.manifest.loc[sha, "duration_seconds"] == expected.duration_seconds


@settings(max_examples=50)
@given(data=st.data())
def test_stretch_of_frames_is_a_slice_of_the_whole(built, front_end, data) -> None:
    """Reading some frames gives what slicing the whole track gives, in any order of reading."""
    store = SpectrogramStore(built[0], front_end.sha256())
    sha = data.draw(st.sampled_from(sorted(store.manifest.index)))
    stop = data.draw(st.integers(1, store.frame_count(sha)))
    start = data.draw(st.integers(0, stop - 1))
    np.testing.assert_array_equal(store.frames(sha, start, stop), store.log_mel(sha)[start:stop])


def test_track_is_in_the_store_or_not(built, wanted, front_end) -> None:
    """`in` asks for an audio hash."""
    store = SpectrogramStore(built[0], front_end.sha256())
    assert all(sha in store for sha in wanted)
    assert "0" * 64 not in store
    assert None not in store


def test_store_of_another_front_end_is_refused(built) -> None:
    """Spectrograms of other settings are never handed out, and the message says how to get the right ones."""
    with pytest.raises(StoreError, match=r"were computed by another front end: run `soundatlas spectrograms"):
        SpectrogramStore(built[0], "0" * 64)


def test_shard_of_another_front_end_is_refused(store, update, wanted, front_end) -> None:
    """A shard that an update replaced before it was killed is read neither as the one of before nor as the new one."""
    manifest = (store / MANIFEST_NAME).read_bytes()
    finer = dataclasses.replace(front_end, hop_length=64)
    update(store, wanted, finer)
    (store / MANIFEST_NAME).write_bytes(manifest)
    reader = SpectrogramStore(store, front_end.sha256())
    with pytest.raises(StoreError, match=r"0-bits-0\.safetensors was computed by another front end: run `soundatlas"):
        reader.log_mel(next(iter(wanted)))
    with pytest.raises(StoreError, match=r"were computed by another front end: run `soundatlas spectrograms"):
        SpectrogramStore(store, finer.sha256())


@pytest.mark.parametrize("kept", [0, 7, 300, -1])
def test_damaged_shard_is_refused_by_name(kept, store, wanted, front_end) -> None:
    """Reading from a shard that lost bytes names it."""
    (store / SHARD).write_bytes((store / SHARD).read_bytes()[:kept])
    reader = SpectrogramStore(store, front_end.sha256())
    with pytest.raises(StoreError, match=r"shard 0-bits-0\.safetensors is damaged"):
        reader.frames(next(iter(wanted)), 0, 1)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 nothing"])
def test_store_without_its_manifest_is_refused_by_name(content, store, front_end) -> None:
    """A manifest that is missing or damaged is named with the way out."""
    (store / MANIFEST_NAME).unlink()
    if content is not None:
        (store / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(SoundatlasError, match=r"manifest\.parquet is (missing|damaged).*dvc repro"):
        SpectrogramStore(store, front_end.sha256())
