"""From the store to batches: random windows for training, every window for validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from soundatlas.audio.windows import fill_window, window_starts
from soundatlas.learning.augmentation import augment
from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import AugmentationParams
    from soundatlas.store.reading import SpectrogramStore

Batch = tuple[Any, dict[str, Any], dict[str, Any]]
STATISTICS_TRACKS = 500  # enough tracks for the mean level to settle
STATISTICS_SEED = 0
PREFETCHED_BATCHES = 4


@dataclass(frozen=True)
class Targets:
    """What the heads should say, per track.

    Attributes:
        wanted: head -> one-hot (tracks, classes), attribute -> (tracks, 1); zeros where missing.
        weights: head or attribute -> (tracks,): 1, or 0 where the label is missing, so that it trains nothing.
    """

    wanted: dict[str, NDArray[np.float32]]
    weights: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, tracks: pd.DataFrame, space: LabelSpace) -> Targets:
        """Encode the labels of `tracks`."""
        wanted, weights = {}, {}
        for head, indices in space.class_targets(tracks).items():
            present = indices != MISSING
            one_hot = np.eye(len(space.classes[head]), dtype=np.float32)[indices]
            wanted[head] = one_hot * present[:, None].astype(np.float32)
            weights[head] = present.astype(np.float32)
        for name, numbers in space.attribute_targets(tracks).items():
            present = np.isfinite(numbers)
            wanted[name] = np.where(present, numbers, 0.0).astype(np.float32)[:, None]
            weights[name] = present.astype(np.float32)
        return cls(wanted, weights)

    def rows(self, tracks: NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return wanted outputs and weights of some tracks, by position."""
        wanted = {name: array[tracks] for name, array in self.wanted.items()}
        return wanted, {name: array[tracks] for name, array in self.weights.items()}


def square_root_balance(labels: pd.Series[str]) -> NDArray[np.float64]:
    """Return a sampling probability per track, so that a class is drawn by the square root of its size.

    Halfway between the natural distribution and a uniform one, as is usual for long tails (Mahajan et al., ECCV
    2018). A track without a label is drawn like one of a class of average size.
    """
    counts = labels.map(labels.value_counts())
    weights = 1.0 / np.sqrt(counts.fillna(counts.mean() if counts.notna().any() else 1.0).to_numpy(np.float64))
    return np.asarray(weights / weights.sum())


def level_statistics(store: SpectrogramStore, shas: list[str]) -> tuple[float, float]:
    """Return mean and standard deviation, in dB, over all cells of (at most 500 of) the training tracks."""
    chosen = shas
    if len(shas) > STATISTICS_TRACKS:
        chosen = list(np.random.default_rng(STATISTICS_SEED).choice(shas, STATISTICS_TRACKS, replace=False))
    parts = [store.log_mel(sha) for sha in chosen]
    count = sum(part.size for part in parts)
    mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / count
    variance = sum(float(np.square(part - mean, dtype=np.float64).sum()) for part in parts) / count
    return mean, float(np.sqrt(variance)) or 1.0


@dataclass(frozen=True)
class Windows:
    """Windows of some tracks with their targets, as tf.data.

    Attributes:
        store: where the spectrograms are.
        shas: audio SHA-256 per track.
        targets: per track, in the same order.
        window_frames: length of a window.
        n_mels: height of a window.
        batch_size: windows per batch.
        stems: that the store holds beside the mix; without any, windows have no axis for channels.
    """

    store: SpectrogramStore
    shas: list[str]
    targets: Targets
    window_frames: int
    n_mels: int
    batch_size: int
    stems: int = 0

    def random(
        self,
        *,
        probabilities: NDArray[np.float64],
        batches_per_epoch: int,
        seed: int,
        augmentation: AugmentationParams,
        first_epoch: int = 0,
    ) -> tf.data.Dataset:
        """Return an endless dataset of random windows of tracks drawn by `probabilities`, changed by `augmentation`.

        Each epoch has a generator of its own, seeded by (seed, epoch), so that a run can be repeated from any epoch.
        """

        def draw() -> Iterator[Batch]:
            epoch = first_epoch
            while True:
                generator = np.random.default_rng((seed, epoch))
                for _ in range(batches_per_epoch):
                    tracks = generator.choice(len(self.shas), self.batch_size, p=probabilities)
                    spare = [max(0, self.store.frame_count(self.shas[t]) - self.window_frames) for t in tracks]
                    batch = self._batch(tracks, generator.integers(0, np.asarray(spare) + 1))
                    yield augment(*batch, augmentation, generator)
                epoch += 1

        return self._dataset(draw, tf.data.INFINITE_CARDINALITY)

    def every(self) -> tf.data.Dataset:
        """Return a dataset of each track's windows, without overlap, in order."""
        pairs = [
            (track, start)
            for track, sha in enumerate(self.shas)
            for start in window_starts(self.store.frame_count(sha), self.window_frames, self.window_frames)
        ]
        tracks, starts = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T

        def walk() -> Iterator[Batch]:
            for first in range(0, len(tracks), self.batch_size):
                part = slice(first, first + self.batch_size)
                yield self._batch(tracks[part], starts[part])

        return self._dataset(walk, math.ceil(len(tracks) / self.batch_size))

    def _batch(self, tracks: NDArray[np.int64], starts: NDArray[np.int64]) -> Batch:
        windows = np.stack([self._window(self.shas[t], int(s)) for t, s in zip(tracks, starts, strict=True)])
        return (windows, *self.targets.rows(tracks))

    def _window(self, sha: str, start: int) -> NDArray[np.float32]:
        stop = min(start + self.window_frames, self.store.frame_count(sha))
        return fill_window(self.store.frames(sha, start, stop), self.window_frames)

    def _dataset(self, generator: Any, batches: int) -> tf.data.Dataset:
        channels = (1 + self.stems,) if self.stems else ()
        spec = tf.TensorSpec((None, self.window_frames, self.n_mels, *channels), tf.float32)
        values = {
            name: tf.TensorSpec((None, array.shape[1]), tf.float32) for name, array in self.targets.wanted.items()
        }
        weights = {name: tf.TensorSpec((None,), tf.float32) for name in self.targets.weights}
        dataset = tf.data.Dataset.from_generator(generator, output_signature=(spec, values, weights))
        return dataset.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(PREFETCHED_BATCHES)
