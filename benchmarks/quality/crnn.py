"""The artist CRNN as a peer: one network per class label, as its authors trained one network for one label.

3 s windows without overlap, Adam at 0.001, batches of 16, at most 200 epochs, ended after 10 epochs without a better
validation loss; a track's probabilities are the mean over its windows (the authors vote). Where its wall-time limit
ends a training, the table says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.peer import highest_probabilities
from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.errors import DataRefusedError
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.labels import MISSING
from soundatlas.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.params import Params, SpectrogramsParams
    from soundatlas.store.reading import SpectrogramStore

WINDOW_SECONDS = 3.0
LEARNING_RATE = 0.001
BATCH_SIZE = 16
EPOCHS = 200
PATIENCE = 10
SECONDS_PER_MINUTE = 60


def front_end_of(params: SpectrogramsParams) -> FrontEnd:
    """Return the paper's front end, over the same length of audio as everybody else's."""
    return FrontEnd(16_000, 2048, 512, 128, 0.0, 8_000.0, params.min_seconds, params.max_seconds)


@dataclass(frozen=True)
class FittedCrnn:
    """A prediction function per head: windows (windows, frames, mels) -> probabilities (windows, classes)."""

    networks: dict[str, Callable[[Any], Any]]
    store: SpectrogramStore
    front_end: FrontEnd
    notes: tuple[str, ...]

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Average each track's windows, from its spectrogram."""
        rows = []
        with progress("artist CRNN predicts", len(tracks)) as advance:
            for sha in tracks["audio_sha256"]:
                rows.append(self._track(self.store.log_mel(sha)))
                advance()
        return Predictions({head: np.stack([row[head] for row in rows]) for head in self.networks}, {})

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002 - the shape of a peer
        """Have no measure but the probabilities."""
        return highest_probabilities(predictions)

    def embed(self, tracks: pd.DataFrame) -> None:
        """Have no space: only probabilities are published."""

    def predict_file(self, path: Path) -> None:
        """Decode, compute the spectrogram, average the windows."""
        self._track(analyse_file(path, self.front_end).log_mel)

    def _track(self, log_mel: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        from benchmarks.quality.crnn_network import as_input

        frames = self.front_end.frames(WINDOW_SECONDS)
        windows = as_input(cut_windows(log_mel, frames, frames))
        return {head: np.asarray(network(windows)).mean(axis=0) for head, network in self.networks.items()}


@dataclass(frozen=True)
class ArtistCrnn:
    """The peer.

    Attributes:
        minutes: of wall time, for each network.
        epochs: at most.
    """

    minutes: float
    epochs: int = EPOCHS
    name: str = "crnn"
    title: str = "artist CRNN (1901.04555)"
    seeded: bool = True
    code: tuple[Path, ...] = (Path(__file__), Path(__file__).with_name("crnn_network.py"))

    def missing(self) -> None:
        """Run anywhere."""

    def settings(self, params: Params) -> dict[str, Any]:
        """Have the limits and the front end."""
        return {
            "minutes": self.minutes,
            "epochs": self.epochs,
            "front_end": front_end_of(params.spectrograms).contract(),
        }

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Compute the paper's spectrograms, where they are not the project's own.

        Raises:
            DataRefusedError: when a track has none.
        """
        store = dataset.stores.of(front_end_of(params.spectrograms))
        if lacking := [sha for sha in dataset.heard["audio_sha256"] if sha not in store]:
            raise DataRefusedError(f"{len(lacking)} tracks have no spectrogram for the artist CRNN (e.g. {lacking[0]})")

    def fit(self, task: Task) -> FittedCrnn:
        """Fit a network per head."""
        front_end = front_end_of(task.params.spectrograms)
        store = task.dataset.stores.of(front_end)
        networks, notes = {}, []
        for head in task.fold.space.classes:
            networks[head], epochs, cut = self._fit_head(task, head, store, front_end)
            notes.append(f"{head}: {epochs} epochs" + (f", cut at {self.minutes:g} min" if cut else ""))
        return FittedCrnn(networks, store, front_end, tuple(notes))

    def _fit_head(
        self, task: Task, head: str, store: SpectrogramStore, front_end: FrontEnd
    ) -> tuple[Callable[[Any], Any], int, bool]:
        """Return a head's prediction function, how many epochs its training took, and whether the time ran out."""
        import keras
        import tensorflow as tf

        from benchmarks.quality.crnn_network import WindowBatches, build_crnn

        keras.utils.set_random_seed(task.seed)
        tf.config.experimental.enable_op_determinism()
        frames = front_end.frames(WINDOW_SECONDS)

        def batches(tracks: pd.DataFrame, seed: int | None) -> WindowBatches:
            truth = task.fold.space.class_targets(tracks)[head]
            known = truth != MISSING
            if not known.any():
                raise DataRefusedError(f"no validation track has a {head} that the training tracks have")
            return WindowBatches(
                store, tracks[known], truth[known], window_frames=frames, batch_size=BATCH_SIZE, seed=seed
            )

        classes = len(task.fold.space.classes[head])
        network = build_crnn(window_frames=frames, n_mels=front_end.n_mels, classes=classes)
        network.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy")
        with progress(f"artist CRNN learns {head}, seed {task.seed}", self.epochs) as advance:
            limit = time_limit(self.minutes * SECONDS_PER_MINUTE, advance)
            best = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
            history = network.fit(
                batches(task.fold.train, task.seed),
                validation_data=batches(task.fold.validation, None),
                epochs=self.epochs,
                callbacks=[best, limit],
                shuffle=False,  # the batches shuffle themselves
                verbose=0,
            )
        signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
        function = tf.function(lambda windows: network(windows, training=False), input_signature=[signature])
        return function, len(history.epoch), limit.bit


def time_limit(seconds: float, advance: Callable[[], None]) -> Any:
    """Return a Keras callback that ends a training after some wall time, also within an epoch.

    Its `bit` says whether it did. The epoch under way is validated as it stands, so that it can be the best one.

    Args:
        seconds: from the start of the training.
        advance: called after each epoch.
    """
    import keras

    class Limit(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
        bit = False

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras' shape
            self._end = time.perf_counter() + seconds

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' shape
            if time.perf_counter() > self._end:
                self.bit = True
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' shape
            advance()

    return Limit()
