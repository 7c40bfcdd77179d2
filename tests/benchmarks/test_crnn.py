"""The artist CRNN, as it was published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality.crnn import WINDOW_SECONDS, ArtistCrnn, front_end_of
from benchmarks.quality.data import analyse, load_demo
from benchmarks.quality.peer import Task
from benchmarks.quality.splits import make_folds
from soundatlas.params import load_params


@pytest.fixture(scope="module")
def task(finished, tmp_path_factory):
    """Give the tiny project's split as a task."""
    params = load_params(finished / "params.yaml")
    dataset = analyse(load_demo(finished, "work"), params, tmp_path_factory.mktemp("out"))
    (fold,) = make_folds(dataset.collection, "work", params, 1)
    return Task(dataset, fold, 3, params)


@pytest.fixture(scope="module")
def fitted(task):
    """Give two epochs of training without a limit that bites."""
    peer = ArtistCrnn(minutes=60, epochs=2)
    peer.prepare(task.dataset, task.params)
    return peer.fit(task)


def test_it_has_the_parameters_of_the_paper(task):
    """For 20 artists and 3 s windows there are 394,324 of them; 3 s are 94 frames."""
    from benchmarks.quality.crnn_network import build_crnn

    front_end = front_end_of(task.params.spectrograms)
    frames = front_end.frames(WINDOW_SECONDS)
    network = build_crnn(window_frames=frames, n_mels=front_end.n_mels, classes=20)
    assert frames == 94
    assert network.count_params() == 394_324
    assert network.input_shape == (None, 128, 94, 1)
    assert network.output_shape == (None, 20)
    assert network.get_layer(index=-5).output.shape == (None, 5, 128), "what reaches the GRUs: all bands pooled to one"


def test_batches_hold_every_window(task):
    """Each epoch shows every window once, in another order; equal seeds give equal orders, none the tracks' own."""
    from benchmarks.quality.crnn_network import WindowBatches

    store = task.dataset.stores.of(front_end_of(task.params.spectrograms))
    tracks = task.fold.train

    def batches(seed, window_frames=10):
        truth = np.arange(len(tracks))
        return WindowBatches(store, tracks, truth, window_frames=window_frames, batch_size=3, seed=seed)

    def labels(one):
        return np.concatenate([one[number][1] for number in range(len(one))]).tolist()

    shuffled = batches(1)
    first = labels(shuffled)
    shuffled.on_epoch_end()
    assert labels(shuffled) != first
    assert sorted(labels(shuffled)) == sorted(first) == labels(batches(None))
    assert labels(batches(1)) == first
    windows, _ = batches(None)[0]
    assert (windows.shape, windows.dtype) == ((3, 128, 10, 1), np.float32)
    expected = store.frames(tracks["audio_sha256"].iloc[0], 0, 10).T
    np.testing.assert_array_equal(windows[0, :, :, 0], expected)


def test_it_learns_each_label_with_a_network_of_its_own(task, fitted):
    """Probabilities of every head add up to one per track, attributes there are none, and the epochs are told."""
    said = fitted.predict(task.fold.test)
    assert {head: array.shape for head, array in said.probabilities.items()} == {"genre": (4, 3), "artist": (4, 3)}
    for array in said.probabilities.values():
        np.testing.assert_allclose(array.sum(axis=1), 1, atol=1e-5)
    assert said.values == {}
    assert fitted.notes == ("genre: 2 epochs", "artist: 2 epochs")
    fitted.predict_file(task.dataset.collection.root / task.fold.test["path"].iloc[0])


def test_a_limit_that_bit_is_told(task):
    """A training that ran out of time still gives probabilities, and says after how many epochs it was cut."""
    one_head = replace(task.fold, space=replace(task.fold.space, classes={"genre": task.fold.space.classes["genre"]}))
    fitted = ArtistCrnn(minutes=1e-9).fit(replace(task, fold=one_head))
    assert fitted.notes == ("genre: 1 epochs, cut at 1e-09 min",)
    assert np.isfinite(fitted.predict(task.fold.test).probabilities["genre"]).all()
