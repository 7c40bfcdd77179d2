"""The peers other than the CRNN."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import musicnn_peer
from benchmarks.quality.data import analyse, load_demo
from benchmarks.quality.hand_features import hand_features
from benchmarks.quality.hand_peers import gradient_boosting, logistic_regression
from benchmarks.quality.majority import Majority
from benchmarks.quality.peer import Task
from benchmarks.quality.roster import choose_peers
from benchmarks.quality.soundatlas_peer import Soundatlas
from benchmarks.quality.splits import make_folds
from soundatlas.errors import UsageError
from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.params import load_params

LIMITS = {"minutes": 1.0, "crnn_minutes": 1.0, "crnn_epochs": 1}


@pytest.fixture(scope="module")
def task(finished, tmp_path_factory):
    """Give the tiny project's split as a task."""
    params = load_params(finished / "params.yaml")
    dataset = analyse(load_demo(finished, "work"), params, tmp_path_factory.mktemp("out"))
    (fold,) = make_folds(dataset.collection, "work", params, 1)
    return Task(dataset, fold, 3, params)


@pytest.mark.parametrize(
    "peer", [Majority(), logistic_regression(), gradient_boosting(), Soundatlas(minutes=60)], ids=lambda peer: peer.name
)
def test_a_peer_gives_probabilities_and_values(task, peer):
    """Of each head a distribution per track, of each attribute a number; a file alone can be classified as well."""
    assert peer.missing() is None
    peer.prepare(task.dataset, task.params)
    fitted = peer.fit(task)
    said = fitted.predict(task.fold.test)
    assert {head: array.shape for head, array in said.probabilities.items()} == {"genre": (4, 3), "artist": (4, 3)}
    for array in said.probabilities.values():
        np.testing.assert_allclose(array.sum(axis=1), 1, atol=1e-5)
    assert {name: array.shape for name, array in said.values.items()} == {"tempo_bpm": (4,), "mean_pitch": (4,)}
    assert all(np.isfinite(array).all() for array in said.values.values())
    assert fitted.notes == ()
    fitted.predict_file(task.dataset.collection.root / task.fold.test["path"].iloc[0])


def test_majority_says_the_shares(task):
    """Its probabilities are the classes' shares among the training tracks, its values their means."""
    said = Majority().fit(task).predict(task.fold.test)
    np.testing.assert_allclose(said.probabilities["genre"], np.tile([0.5, 0.25, 0.25], (4, 1)))
    assert said.values["tempo_bpm"].tolist() == [task.fold.train["tempo_bpm"].mean()] * 4


def test_hand_features_hear_the_pitch(task):
    """156 finite numbers per file; the same file gives the same ones, and another file others."""
    paths = [task.dataset.collection.root / path for path in task.fold.test["path"][:2]]
    one, other = (hand_features(path, 10.0) for path in paths)
    assert one.shape == (156,)
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, hand_features(paths[0], 10.0))
    assert not np.allclose(one, other)


def test_hand_features_are_kept(task, monkeypatch):
    """What was computed is read; no file is decoded a second time."""
    logistic_regression().prepare(task.dataset, task.params)
    monkeypatch.setattr("benchmarks.quality.hand_features.map_in_workers", lambda _function, jobs, **_: iter_none(jobs))
    logistic_regression().prepare(task.dataset, task.params)


def iter_none(jobs):
    """Give a generator that must not be asked for anything."""
    assert jobs == []
    yield from ()


def test_a_training_too_long_is_shortened_and_told(task):
    """Where two epochs show that all do not fit, a shorter schedule is run and the note says so."""
    slow = task.params.train.model_copy(update={"epochs": 3})
    fitted = Soundatlas(minutes=1e-9).fit(
        Task(task.dataset, task.fold, 3, task.params.model_copy(update={"train": slow}))
    )
    assert fitted.notes == ("1 of 3 epochs: 1e-09 min",)


def test_a_peer_that_is_missing_says_what(monkeypatch):
    """The musicnn peers without soundatlas' backbone is not available, and each reason names the module."""
    monkeypatch.setattr(musicnn_peer, "NEEDED", ("soundatlas.learning.no_such_module",))
    assert [peer.missing() for peer in musicnn_peer.musicnn_peers()] == [
        "soundatlas.learning.no_such_module is not there"
    ] * 2


class Heads:
    """Heads as soundatlas' `LinearHeads` has them: logits and standardised values."""

    def predict(self, x):
        """Like the second class the more, the larger the feature."""
        return {"genre": np.stack([np.zeros(len(x)), x[:, 0]], axis=1)}, {"tempo_bpm": x[:, 0]}


def test_musicnn_heads_become_probabilities(task):
    """Logits pass through a softmax, standardised values get the attribute's own unit."""
    space = LabelSpace({"genre": ("jig", "reel")}, {"tempo_bpm": Scale(100.0, 20.0)})
    features = {sha: np.full(1, np.log(3.0), np.float32) for sha in task.fold.test["audio_sha256"]}
    fitted = musicnn_peer.FittedLinear(Heads(), space, features, lambda log_mel: log_mel[0, :1], None, None)
    said = fitted.predict(task.fold.test)
    np.testing.assert_allclose(said.probabilities["genre"], [[0.25, 0.75]] * 4, atol=1e-6)
    np.testing.assert_allclose(said.values["tempo_bpm"], 100 + 20 * np.log(3.0))


def test_peers_are_chosen_by_name():
    """All, or some in the order of the table; a name that is nobody's is refused with those that are."""
    everybody = [peer.name for peer in choose_peers("all", **LIMITS)]
    assert everybody == [
        "soundatlas", "soundatlas_scratch", "soundatlas_musicnn", "soundatlas_fusion", "musicnn_pooled",
        "musicnn_penultimate", "crnn", "mfcc_gb", "mfcc_lr", "majority",
    ]  # fmt: skip
    assert [peer.name for peer in choose_peers("majority, soundatlas", **LIMITS)] == ["soundatlas", "majority"]
    for names in ("majority,nemo", ""):
        with pytest.raises(UsageError, match="--peers names"):
            choose_peers(names, **LIMITS)
