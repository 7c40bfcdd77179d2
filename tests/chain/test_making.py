"""Making what a track lacks."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import rot_shard
import tiny_project

from soundatlas.chain.making import make_steps
from soundatlas.chain.plan import plan_steps
from soundatlas.chain.states import Chain, Track
from soundatlas.chain.wanted import Wanted
from soundatlas.dag import holding_data
from soundatlas.errors import NotReadyError, SoundatlasError, StoreError, TrackError
from soundatlas.files import sha256_file
from soundatlas.history.answers import Answer
from soundatlas.history.audit import open_audit
from soundatlas.history.store import open_history
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.stored_hearing import hear_stored
from soundatlas.stages import spectrograms
from soundatlas.store.writing import remove_from_store


def make(chain, wanted=Wanted.PREDICTION, *, force: bool = False):
    """Make what the chain lacks."""
    return make_steps(chain, plan_steps(chain, wanted, force=force))


def content(folder) -> dict[str, bytes]:
    """Return a folder's files and their bytes."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_make_makes_the_stages_keep(root, shas, chain_of, tiny_params, model, capsys):
    """Store and prediction are, to the byte, what the stages make; these then compute nothing of it again."""
    before = content(root / "data/spectrograms")
    expected = hear_stored(shutil.copytree(root, root.parent / "other"), Bundle(model), [shas[0]], timeout_seconds=60)
    remove_from_store(root / "data/spectrograms", {shas[0]})
    made = make(chain_of())
    assert [(each.step, each.same) for each in made] == [("spectrogram", None), ("prediction", None)]
    assert content(root / "data/spectrograms") == before
    assert {shas[0]: chain_of().answer} == expected
    capsys.readouterr()
    spectrograms.run(root, tiny_params)
    assert "0 computed, 12 kept" in capsys.readouterr().out
    assert make(chain_of()) == []


def test_bit_rot_is_repaired(root, shas, chain_of):
    """A spectrogram whose bytes changed is made again, and the store is what it was."""
    before = content(root / "data/spectrograms")
    rot_shard.spoil(root / "data/spectrograms", shas[0])
    assert [each.step for each in make(chain_of(), Wanted.SPECTROGRAM)] == ["spectrogram"]
    assert content(root / "data/spectrograms") == before


def test_every_step_is_in_the_audit_trail(root, shas, chain_of):
    """Each step that was made has a row, by `make`; force adds rows, and finds the same bytes."""
    made = make(chain_of(), force=True)
    assert [(each.step, each.same) for each in made] == [("spectrogram", True), ("prediction", None)]
    assert [each.same for each in make(chain_of(), force=True)] == [True, True]
    with open_audit(root, "test") as trail:
        told = [(each.step.name, each.outcome, each.by) for each in trail.of_audio(shas[0])]
    steps = [("spectrogram", "computed", "make"), ("prediction", "computed", "make")]
    assert told == [("spectrogram", "computed", "spectrograms"), *steps, *steps]


def test_force_tells_other_bytes(root, shas, chain_of):
    """What comes out otherwise than it was is called so, and the history keeps what was said first."""
    chain = chain_of()
    first = Answer.of_row({"genre": "waltz", "embedding": [0.0] * 8})
    with open_history(root) as history:
        history.keep(chain.model.key, {shas[0]: first})
    (_, prediction) = make(chain, force=True)
    assert prediction.same is False
    assert "the history keeps the first" in prediction.about
    assert chain_of().answer == first


def test_a_file_of_the_inbox_is_heard_from_its_bytes(root, tiny_params, model):
    """Nothing is stored of it but what the champion says, which is what it says of any file; DVC is not asked."""
    path = "data/inbox/own.wav"
    chain = Chain(root, tiny_params, Track(sha256_file(root / path), (path,), catalogued=False))
    before = content(root / "data/spectrograms")
    shutil.rmtree(root / ".dvc")
    assert [each.step for each in make(chain)] == ["prediction"]
    said = Bundle(model).classify_file(root / path)
    answer = Chain(root, tiny_params, chain.track).answer
    assert answer.row()["genre_probabilities"] == pytest.approx(said.probabilities["genre"], abs=1e-6)
    assert content(root / "data/spectrograms") == before


def test_what_lies_in_the_bytes_is_an_answer(root, tiny_params):
    """A file that is no audio is heard once, and what it is instead is kept."""
    (root / "data/inbox/notes.wav").write_text("no music")
    track = Track(sha256_file(root / "data/inbox/notes.wav"), ("data/inbox/notes.wav",), catalogued=False)
    make(Chain(root, tiny_params, track))
    assert Chain(root, tiny_params, track).answer.status == "not_audio"


def test_a_file_that_is_gone_stops_it(root, shas, chain_of):
    """Without bytes nothing can be made; one line says so, and the store stays as it is."""
    remove_from_store(root / "data/spectrograms", {shas[0]})
    before = content(root / "data/spectrograms")
    (root / "data/audio/00.wav").unlink()
    with pytest.raises(TrackError, match=r"missing: .*`dvc repro` lists"):
        make(chain_of())
    tiny_project.write_clip(root / "data/audio/00.wav", 7)
    with pytest.raises(TrackError, match="changed: "):
        make(chain_of())
    assert content(root / "data/spectrograms") == before


def test_a_prediction_from_the_store_needs_no_file(root, chain_of):
    """With its spectrogram there, a track is heard although its file is gone."""
    (root / "data/audio/00.wav").unlink()
    assert [each.step for each in make(chain_of())] == ["prediction"]


def test_a_failure_is_told_and_taken_down(root, shas, chain_of, repository):
    """A track that fails is one line, and a row of the trail per attempt; those that may pass are tried again."""
    remove_from_store(root / "data/spectrograms", {shas[0]})
    chain = chain_of(params=tiny_project.params_of(repository, spectrograms={"retries": 2}))
    planned = plan_steps(chain, Wanted.SPECTROGRAM, force=False)
    (root / "data/audio/00.wav").unlink()
    (root / "data/audio/00.wav").mkdir()  # since it was looked at
    with pytest.raises(TrackError, match=r"unreadable: Is a directory, after 3 attempts"):
        make_steps(chain, planned)
    with open_audit(root, "test") as trail:
        attempts = [(each.outcome, each.attempt) for each in trail.of_audio(shas[0]) if each.by == "make"]
    assert attempts == [("unreadable", 1), ("unreadable", 2), ("unreadable", 3)]


def test_what_cannot_be_is_refused(root, chain_of, repository):
    """No champion, a store of another front end, and a stage at work are one line each."""
    with holding_data(root, "another"), pytest.raises(SoundatlasError, match="soundatlas make"):
        make(chain_of(), Wanted.SPECTROGRAM, force=True)
    foreign = chain_of(params=tiny_project.params_of(repository, spectrograms={"n_mels": 24}))
    with pytest.raises(StoreError, match="another front end: run `dvc repro spectrograms`"):
        make(foreign, Wanted.SPECTROGRAM)
    (root / "data/champion.json").unlink()
    with pytest.raises(NotReadyError, match="no champion yet"):
        make(chain_of())


def test_the_manifest_stays_in_order(root, shas, chain_of):
    """Readers find the track in the manifest, once, whatever was there before."""
    make(chain_of(3), Wanted.SPECTROGRAM, force=True)
    manifest = pd.read_parquet(root / "data/spectrograms/manifest.parquet")
    assert manifest["audio_sha256"].tolist() == sorted(shas)
