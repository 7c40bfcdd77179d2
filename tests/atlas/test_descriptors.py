"""Describing the catalogue from its store."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic

from soundatlas.atlas import descriptors
from soundatlas.atlas.descriptors import describe_tracks
from soundatlas.audio.descriptors import DESCRIPTORS, describe_sound
from soundatlas.audio.spectrogram import FrontEnd

SHAS = ["a" * 64, "b" * 64, "c" * 64]


@pytest.fixture
def stored(tmp_path, tiny_params, monkeypatch):
    """Give a front end, a store of two tracks, and their log-mels."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    front_end, generator = FrontEnd.of(tiny_params.spectrograms), np.random.default_rng(1)
    log_mels = {sha: generator.normal(-40, 9, (90, front_end.n_mels)).astype(np.float16) for sha in SHAS[:2]}
    log_mels = {sha: log_mel.astype(np.float32) for sha, log_mel in log_mels.items()}
    return front_end, synthetic.write_store(tmp_path / "store", log_mels, contract=front_end.sha256()), log_mels


def test_each_track_has_its_descriptors_in_order(stored, tmp_path):
    """Rows follow the hashes that were asked for, repeated ones too; what the store lacks has none."""
    front_end, store, log_mels = stored
    table = describe_tracks(tmp_path, store, front_end, [SHAS[1], SHAS[2], SHAS[0], SHAS[1]], timeout_seconds=60)
    assert [*table] == [*DESCRIPTORS]
    assert table.iloc[0].to_dict() == describe_sound(log_mels[SHAS[1]], front_end.frames_per_second)
    assert table.iloc[0].equals(table.iloc[3])
    assert table.iloc[1].isna().all()


def test_what_was_described_is_not_described_again(stored, tmp_path, monkeypatch):
    """The second time no worker is asked, and the values are the same."""
    front_end, store, _ = stored
    first = describe_tracks(tmp_path, store, front_end, SHAS, timeout_seconds=60)

    def refuse(_function, items, **_options):
        assert not items
        yield from ()

    monkeypatch.setattr(descriptors, "map_in_workers", refuse)
    assert describe_tracks(tmp_path, store, front_end, SHAS, timeout_seconds=60).equals(first)
