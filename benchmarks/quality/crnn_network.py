"""The artist CRNN of Nasrullah and Zhao (arXiv 1901.04555), rebuilt from its description: 394,324 parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from soundatlas.audio.windows import fill_window, window_starts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.store.reading import SpectrogramStore

FILTERS = (64, 128, 128, 128)
POOLS = ((2, 2), (4, 2), (4, 2), (4, 2))  # frequency, time
UNITS = 32  # of each of the two recurrent layers
BLOCK_DROPOUT = 0.1
DROPOUT = 0.3


def build_crnn(*, window_frames: int, n_mels: int, classes: int) -> keras.Model:
    """Build the network, untrained.

    (n_mels, window_frames) in dB -> batch normalisation per mel band -> four blocks of 3x3 convolution, ELU, batch
    normalisation, pooling and dropout -> the steps that are left in time -> two GRUs -> dropout -> softmax.

    The parameter count of the paper comes out with the GRU's first form, whose reset gate works before the product
    (`reset_after=False`).

    Returns:
        A model from shape (windows, n_mels, window_frames, 1) to (windows, classes).
    """
    layers = keras.layers
    inputs = keras.Input((n_mels, window_frames, 1), name="log_mel")
    x = layers.BatchNormalization(axis=1)(inputs)
    for filters, pool in zip(FILTERS, POOLS, strict=True):
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(layers.ELU()(x))
        x = layers.Dropout(BLOCK_DROPOUT)(layers.MaxPooling2D(pool)(x))
    bands, steps, channels = x.shape[1:]
    x = layers.Reshape((steps, bands * channels))(layers.Permute((2, 1, 3))(x))
    x = layers.GRU(UNITS, return_sequences=True, reset_after=False)(x)
    x = layers.GRU(UNITS, reset_after=False)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(layers.Dropout(DROPOUT)(x)), name="crnn")


class WindowBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """All windows of some tracks, without overlap, in batches; in another order every epoch where a seed is given.

    Args:
        store: of the spectrograms.
        tracks: rows of `tables.TRACKS`.
        truth: class index per track.
        window_frames: length of a window.
        batch_size: windows per batch.
        seed: of the order, or None for the tracks' own.
    """

    def __init__(
        self,
        store: SpectrogramStore,
        tracks: pd.DataFrame,
        truth: NDArray[np.int64],
        *,
        window_frames: int,
        batch_size: int,
        seed: int | None,
    ) -> None:
        super().__init__()
        self._store = store
        self._shas = tracks["audio_sha256"].tolist()
        self._truth = truth
        self._window_frames = window_frames
        self._batch_size = batch_size
        self._windows = np.array(
            [
                (track, start)
                for track, sha in enumerate(self._shas)
                for start in window_starts(store.frame_count(sha), window_frames, window_frames)
            ]
        )
        self._generator = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._windows) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = self._windows[index * self._batch_size : (index + 1) * self._batch_size]
        windows = [self._window(self._shas[track], int(start)) for track, start in rows]
        return as_input(np.stack(windows)), self._truth[rows[:, 0]]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        if self._generator is not None:
            self._generator.shuffle(self._windows)

    def _window(self, sha: str, start: int) -> NDArray[np.float32]:
        stop = min(start + self._window_frames, self._store.frame_count(sha))
        return fill_window(self._store.frames(sha, start, stop), self._window_frames)


def as_input(windows: NDArray[np.float32]) -> Any:
    """Turn windows of shape (windows, window_frames, n_mels) into the network's (windows, n_mels, window_frames, 1)."""
    return np.ascontiguousarray(windows.transpose(0, 2, 1)[..., None])
