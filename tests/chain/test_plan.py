"""What would be made, walking back."""

from __future__ import annotations

import tiny_project

from soundatlas.chain.plan import plan_steps
from soundatlas.chain.states import Chain, Track
from soundatlas.chain.wanted import Wanted
from soundatlas.files import sha256_file
from soundatlas.history.answers import Answer
from soundatlas.history.store import open_history
from soundatlas.store.writing import remove_from_store


def runs(planned) -> list[str]:
    """Return the names of the steps that would be made."""
    return [each.found.step for each in planned if each.runs]


def test_only_what_is_missing_is_made(root, shas, chain_of):
    """With its spectrogram there a track is only heard; without it, that is made first."""
    assert runs(plan_steps(chain_of(), Wanted.PREDICTION, force=False)) == ["prediction"]
    assert runs(plan_steps(chain_of(), Wanted.SPECTROGRAM, force=False)) == []
    remove_from_store(root / "data/spectrograms", {shas[0]})
    assert runs(plan_steps(chain_of(), Wanted.EMBEDDING, force=False)) == ["spectrogram", "prediction"]
    assert runs(plan_steps(chain_of(), Wanted.SPECTROGRAM, force=False)) == ["spectrogram"]


def test_what_is_there_needs_nothing_before_it(root, shas, chain_of):
    """A prediction that is there is not made for want of a spectrogram, and the plan says so."""
    chain = chain_of()
    with open_history(root) as history:
        history.keep(chain.model.key, {shas[0]: Answer("classified")})
    remove_from_store(root / "data/spectrograms", {shas[0]})
    planned = plan_steps(chain_of(), Wanted.PREDICTION, force=False)
    assert runs(planned) == []
    assert planned[1].does == "nothing: the prediction is there"


def test_force_makes_every_step(root, shas, chain_of):
    """What is there is made again, but for what is not needed."""
    chain = chain_of()
    with open_history(root) as history:
        history.keep(chain.model.key, {shas[0]: Answer("classified")})
    assert runs(plan_steps(chain_of(), Wanted.PREDICTION, force=True)) == ["spectrogram", "prediction"]


def test_a_store_of_another_front_end_is_passed_by(chain_of, repository):
    """The champion hears the file, and what is stored for another front end is left alone."""
    chain = chain_of(params=tiny_project.params_of(repository, spectrograms={"n_mels": 24}))
    planned = plan_steps(chain, Wanted.PREDICTION, force=True)
    assert runs(planned) == ["prediction"]
    assert planned[-1].does == "the champion hears the file"


def test_a_loose_file_is_heard_in_one_go(root, tiny_params):
    """No step of the catalogue is made for it."""
    path = "data/inbox/own.wav"
    chain = Chain(root, tiny_params, Track(sha256_file(root / path), (path,), catalogued=False))
    assert runs(plan_steps(chain, Wanted.PREDICTION, force=True)) == ["prediction"]


def test_without_a_champion_nothing_is_heard(root, chain_of):
    """The plan names what trains one, and a file that is gone what lists files."""
    (root / "data/champion.json").unlink()
    (root / "data/audio/00.wav").unlink()
    planned = plan_steps(chain_of(), Wanted.PREDICTION, force=False)
    assert runs(planned) == []
    assert "trains a champion" in planned[-1].does
    assert "`dvc repro` lists" in planned[0].does
