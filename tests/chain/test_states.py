"""How far one track has come."""

from __future__ import annotations

import pandas as pd
import pytest
import rot_shard
import tiny_project

from soundatlas.chain.states import Chain, State, Track
from soundatlas.files import sha256_file
from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey, open_history
from soundatlas.store.writing import remove_from_store
from soundatlas.tables import FAILURES, conform, write_table


def test_what_is_there_is_present(chain_of):
    """File and spectrogram are there, the champion needs no features, and has not heard the track yet."""
    chain = chain_of()
    found = [chain.audio(), chain.spectrogram(), chain.features(), chain.prediction()]
    assert [each.state for each in found] == [State.PRESENT, State.PRESENT, State.NOT_NEEDED, State.MISSING]
    assert found[0].why == "data/audio/00.wav"
    assert found[1].why.endswith("frames in 0-bits-0.safetensors")
    assert found[3].why == "soundatlas version 1 has not heard it"


def test_a_file_that_went_or_changed(root, chain_of):
    """No file is missing, other bytes are stale; another path with the same bytes will do."""
    (root / "data/audio/00.wav").rename(root / "moved.wav")
    assert chain_of().audio().state == State.MISSING
    tiny_project.write_clip(root / "data/audio/00.wav", 5)
    assert chain_of().audio().state == State.STALE
    chain = chain_of()
    moved = Track(chain.track.audio_sha256, ("data/audio/00.wav", "moved.wav"), catalogued=True)
    assert Chain(root, chain.params, moved).audio().why == "moved.wav"


def test_a_spectrogram_that_went(root, shas, chain_of):
    """One that is not in the store is missing; why it failed before is told."""
    folder = root / "data/spectrograms"
    remove_from_store(folder, {shas[0]})
    assert chain_of().spectrogram().why == "not in the store"
    failed = {"path": "data/audio/00.wav", "stage": "spectrograms", "reason": "timeout", "message": "took long"}
    write_table(conform(pd.DataFrame([failed]), FAILURES), folder / "failures.parquet")
    found = chain_of().spectrogram()
    assert (found.state, found.why) == (State.MISSING, "failed before: timeout: took long")


def test_a_spectrogram_whose_bytes_changed_is_stale(root, chain_of):
    """Bit rot in the track's own bytes is seen before anything is made of it; another track's does not matter."""
    rot_shard.spoil(root / "data/spectrograms", chain_of().track.audio_sha256)
    found = chain_of().spectrogram()
    assert found.state == State.STALE
    assert "damaged" in found.why
    assert chain_of(1).spectrogram().state == State.PRESENT


def test_a_manifest_that_names_another_shard_is_stale(root, chain_of):
    """As a kill leaves it while shards are brought into another order."""
    (shard,) = (root / "data/spectrograms").glob("*.safetensors")
    shard.rename(shard.with_name("1-bits-0.safetensors"))
    found = chain_of().spectrogram()
    assert (found.state, found.why.split(",")[0]) == (State.STALE, "0-bits-0.safetensors")


def test_a_store_of_another_front_end_is_stale(chain_of, repository):
    """What params.yaml asks for now is not what is stored; the champion, who fits the store no more, hears files."""
    chain = chain_of(params=tiny_project.params_of(repository, spectrograms={"n_mels": 24}))
    assert chain.spectrogram().state == State.STALE
    assert not chain.hears_store
    assert chain_of().hears_store


def test_a_prediction_by_another_model_is_stale(root, chain_of):
    """Who heard it last is named; other code around the champion is told apart from another champion."""
    chain = chain_of()
    sha, model = chain.track.audio_sha256, chain.model
    with open_history(root) as history:
        history.keep(ModelKey("e" * 64, "c"), {sha: Answer("classified")})
    found = chain_of().prediction()
    assert found.state == State.STALE
    assert found.why == f"last heard by model {'e' * 12}, now soundatlas version 1 is champion"
    with open_history(root) as history:
        history.keep(ModelKey(model.key.model_sha256, "other code"), {sha: Answer("classified")})
    assert "other code" in chain_of().prediction().why
    with open_history(root) as history:
        history.keep(model.key, {sha: Answer("too_short")})
    found = chain_of().prediction()
    assert (found.state, found.why) == (State.PRESENT, "soundatlas version 1 has heard it: too_short")


def test_without_a_champion_a_prediction_is_missing(root, chain_of):
    """No pin, no model; the spectrogram is there all the same."""
    (root / "data/champion.json").unlink()
    chain = chain_of()
    assert chain.model is None
    assert (chain.prediction().state, chain.prediction().why) == (State.MISSING, "there is no champion yet")
    assert chain.spectrogram().state == State.PRESENT


@pytest.mark.parametrize("step", ["spectrogram", "features"])
def test_what_is_not_in_the_catalogue_is_not_stored(root, tiny_params, step):
    """A file of the inbox has no place in the store, and needs none."""
    path = "data/inbox/own.wav"
    chain = Chain(root, tiny_params, Track(sha256_file(root / path), (path,), catalogued=False))
    assert getattr(chain, step)().state == State.NOT_NEEDED
    assert not chain.hears_store
