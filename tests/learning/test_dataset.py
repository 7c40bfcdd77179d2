"""From the store to batches."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.learning import dataset
from soundatlas.learning.dataset import Targets, Windows, level_statistics, square_root_balance
from soundatlas.learning.labels import LabelSpace
from soundatlas.params import AugmentationParams

WINDOW_FRAMES, N_MELS, BATCH_SIZE = 8, 3, 5
LENGTHS = (30, 8, 5, 21, 1)  # frames: longer than a window, exactly one, shorter

OFF = AugmentationParams(gain_db=0.0, mask_bands=0, mask_frames=0, mixup=0.0)


@pytest.fixture(scope="module")
def tracks(catalogue):
    """Give five tracks, some without some labels."""
    return catalogue(
        {"genre": "reel", "tempo_bpm": 120.0},
        {"genre": "air", "tempo_bpm": 60.0},
        {"genre": "hymn"},
        {"tempo_bpm": 90.0},
        {},
    )


@pytest.fixture(scope="module")
def space(tracks) -> LabelSpace:
    """Give the classes and the scale of the first three tracks: the second side may hold more."""
    return LabelSpace.of(tracks.iloc[:2], ["genre"], ["tempo_bpm"])


@pytest.fixture(scope="module")
def windows(tracks, space, store_of) -> Windows:
    """Give windows of tracks whose every frame holds the track's number and its own."""
    log_mels = {
        sha: np.stack([np.full(frames, number), np.arange(frames), np.zeros(frames)], axis=1).astype(np.float32)
        for number, (sha, frames) in enumerate(zip(tracks["audio_sha256"], LENGTHS, strict=True))
    }
    targets = Targets.of(tracks, space)
    return Windows(store_of(log_mels), tracks["audio_sha256"].tolist(), targets, WINDOW_FRAMES, N_MELS, BATCH_SIZE)


def _batches(windows: Windows, count: int, *, seed: int = 1, per_epoch: int = 4, probabilities=None) -> list:
    share = np.full(len(windows.shas), 1 / len(windows.shas)) if probabilities is None else probabilities
    random = windows.random(probabilities=share, batches_per_epoch=per_epoch, seed=seed, augmentation=OFF)
    return list(itertools.islice(random.as_numpy_iterator(), count))


def _inputs(batches: list) -> np.ndarray:
    return np.concatenate([batch[0] for batch in batches])


def test_missing_labels_weigh_nothing(tracks, space) -> None:
    """A label that is missing, or of a class never seen in training, has weight 0; any other has 1."""
    targets = Targets.of(tracks, space)
    assert targets.weights["genre"].tolist() == [1, 1, 0, 0, 0]
    assert targets.weights["tempo_bpm"].tolist() == [1, 1, 0, 1, 0]
    assert targets.wanted["genre"].tolist() == [[0, 1], [1, 0], [0, 0], [0, 0], [0, 0]]
    assert targets.wanted["tempo_bpm"].tolist() == [[1], [-1], [0], [0], [0]]


def test_targets_of_some_tracks_are_rows(tracks, space) -> None:
    """Tracks are picked by position, in any order and more than once."""
    wanted, weights = Targets.of(tracks, space).rows(np.array([1, 0, 1, 2]))
    assert wanted["genre"].tolist() == [[1, 0], [0, 1], [1, 0], [0, 0]]
    assert weights["genre"].tolist() == [1, 1, 1, 0]
    assert weights["tempo_bpm"].tolist() == [1, 1, 1, 0]


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60))
def test_classes_are_drawn_by_the_square_root_of_their_size(labels) -> None:
    """Tracks of one class are equally likely, and a class of four times the tracks is drawn twice as often."""
    series = pd.Series(labels, dtype="str")
    probabilities = square_root_balance(series)
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities > 0).all()
    by_class = pd.Series(probabilities).groupby(series)
    assert by_class.nunique().le(1).all()
    drawn = by_class.sum() / np.sqrt(series.value_counts())
    np.testing.assert_allclose(drawn, drawn.mean(), rtol=1e-9)


def test_unlabelled_tracks_are_drawn_like_those_of_an_average_class() -> None:
    """A track without a label is neither favoured nor left out."""
    probabilities = square_root_balance(pd.Series(["a"] * 9 + ["b"] + [None], dtype="str"))
    assert probabilities[0] < probabilities[10] < probabilities[9]


def test_no_labels_are_drawn_evenly() -> None:
    """Without any label every track is as likely as any other."""
    np.testing.assert_allclose(square_root_balance(pd.Series([None] * 4, dtype="str")), 0.25)


def test_level_statistics_are_over_all_cells(store_of) -> None:
    """Mean and deviation are those of all tracks' cells together, so long tracks count for more."""
    generator = np.random.default_rng(0)
    parts = {f"{n:064x}": generator.normal(-50, n + 1, (10 * n + 1, 4)).astype(np.float16) for n in range(6)}
    cells = np.concatenate([part.ravel() for part in parts.values()]).astype(np.float64)
    assert level_statistics(store_of(parts), list(parts)) == pytest.approx((cells.mean(), cells.std()), rel=1e-6)


def test_level_statistics_of_silence_divide_by_one(store_of) -> None:
    """Tracks that are all alike have no deviation to divide by."""
    assert level_statistics(store_of({"0" * 64: np.full((3, 4), -100, dtype=np.float32)}), ["0" * 64]) == (-100.0, 1.0)


def test_level_statistics_of_many_tracks_are_of_a_fixed_choice(store_of, monkeypatch) -> None:
    """A large catalogue is sampled, always the same way, and no track is read twice."""
    monkeypatch.setattr(dataset, "STATISTICS_TRACKS", 4)
    parts = {f"{n:064x}": np.full((1, 1), 2.0**n, dtype=np.float32) for n in range(12)}
    store = store_of(parts)
    first = level_statistics(store, list(parts))
    assert level_statistics(store, list(parts)) == first
    assert round(first[0] * 4).bit_count() == 4  # powers of two: one bit per track


def test_batches_have_the_networks_shapes(windows) -> None:
    """A batch is windows, what each head should say of them, and how much that weighs."""
    inputs, wanted, weights = _batches(windows, 1)[0]
    assert inputs.shape == (BATCH_SIZE, WINDOW_FRAMES, N_MELS)
    assert inputs.dtype == np.float32
    assert {name: array.shape for name, array in wanted.items()} == {
        "genre": (BATCH_SIZE, 2),
        "tempo_bpm": (BATCH_SIZE, 1),
    }
    assert {name: array.shape for name, array in weights.items()} == {
        "genre": (BATCH_SIZE,),
        "tempo_bpm": (BATCH_SIZE,),
    }


def test_random_windows_are_pieces_of_their_tracks(windows) -> None:
    """A window is a stretch of one track, from anywhere in it, and its targets are that track's."""
    starts = {number: set() for number in range(len(LENGTHS))}
    for inputs, wanted, weights in _batches(windows, 60):
        for position, window in enumerate(inputs):
            [number] = set(window[:, 0].astype(int))
            starts[number].add(int(window[0, 1]))
            expected = (window[0, 1] + np.arange(WINDOW_FRAMES)) % max(LENGTHS[number], WINDOW_FRAMES)
            np.testing.assert_array_equal(window[:, 1], expected % LENGTHS[number])
            for name, array in windows.targets.wanted.items():
                np.testing.assert_array_equal(wanted[name][position], array[number])
                assert weights[name][position] == windows.targets.weights[name][number]
    assert {number: max(found) for number, found in starts.items()} == {0: 22, 1: 0, 2: 0, 3: 13, 4: 0}
    assert min(starts[0]) == min(starts[3]) == 0


def test_same_seed_draws_the_same_batches(windows) -> None:
    """A run can be repeated; another seed is another run; no two epochs are alike."""
    one, again, other = (_inputs(_batches(windows, 8, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    first, second = np.split(one, 2)
    assert not np.array_equal(first, second)


def test_epoch_does_not_depend_on_those_before_it(windows) -> None:
    """The second epoch begins with the same batch however long the first one was."""
    short, long = _batches(windows, 3, per_epoch=2), _batches(windows, 6, per_epoch=5)
    np.testing.assert_array_equal(short[2][0], long[5][0])
    np.testing.assert_array_equal(short[1][0], long[1][0])


def test_tracks_are_drawn_by_their_probabilities(windows) -> None:
    """A track of probability 0 never comes, and one of three times the other's comes about three times as often."""
    drawn = _inputs(_batches(windows, 100, probabilities=np.array([0.75, 0.25, 0, 0, 0])))[:, 0, 0]
    assert set(drawn) == {0, 1}
    assert np.mean(drawn == 0) == pytest.approx(0.75, abs=0.08)


def test_every_window_covers_every_frame_of_every_track(windows) -> None:
    """Validation sees all there is, track by track, with the targets of each."""
    batches = list(windows.every().as_numpy_iterator())
    inputs = _inputs(batches)
    seen = {(int(number), int(frame)) for number, frame in inputs[:, :, :2].reshape(-1, 2)}
    assert seen == {(number, frame) for number, frames in enumerate(LENGTHS) for frame in range(frames)}
    numbers = inputs[:, 0, 0].astype(int)
    assert numbers.tolist() == [0, 0, 0, 0, 1, 2, 3, 3, 3, 4]
    for name, array in windows.targets.wanted.items():
        np.testing.assert_array_equal(np.concatenate([batch[1][name] for batch in batches]), array[numbers])
    for name, array in windows.targets.weights.items():
        np.testing.assert_array_equal(np.concatenate([batch[2][name] for batch in batches]), array[numbers])


@pytest.mark.parametrize(("batch_size", "sizes"), [(5, [5, 5]), (4, [4, 4, 2]), (10, [10]), (64, [10])])
def test_last_batch_holds_what_is_left(batch_size, sizes, windows) -> None:
    """Batches are full but for the last, and the dataset says how many there are."""
    every = Windows(windows.store, windows.shas, windows.targets, WINDOW_FRAMES, N_MELS, batch_size).every()
    assert int(every.cardinality()) == len(sizes)
    for _ in range(2):
        assert [len(batch[0]) for batch in every.as_numpy_iterator()] == sizes


def test_no_tracks_are_no_batches(windows, tracks, space) -> None:
    """A side without tracks is an empty dataset."""
    targets = Targets.of(tracks.iloc[:0], space)
    assert list(Windows(windows.store, [], targets, WINDOW_FRAMES, N_MELS, 5).every()) == []


def test_windows_of_mix_and_stems_keep_their_channels(tracks, space, store_of) -> None:
    """From a store with a channel for each stem come windows with them, short tracks repeated, in both walks."""
    log_mels = {
        sha: np.arange(frames * N_MELS * 3, dtype=np.float32).reshape(frames, N_MELS, 3)
        for sha, frames in zip(tracks["audio_sha256"], LENGTHS, strict=True)
    }
    shas = tracks["audio_sha256"].tolist()
    stems = Windows(store_of(log_mels), shas, Targets.of(tracks, space), WINDOW_FRAMES, N_MELS, BATCH_SIZE, stems=2)
    assert _inputs(_batches(stems, 2)).shape == (2 * BATCH_SIZE, WINDOW_FRAMES, N_MELS, 3)
    every = _inputs(list(stems.every().as_numpy_iterator()))
    np.testing.assert_array_equal(every[0], log_mels[shas[0]][:WINDOW_FRAMES])
    np.testing.assert_array_equal(every[-1], np.repeat(log_mels[shas[-1]], WINDOW_FRAMES, axis=0))
