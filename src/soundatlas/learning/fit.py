"""Fitting the network: losses, learning rate, early stopping, and the same result from the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from soundatlas.learning.dataset import Targets, Windows, level_statistics, square_root_balance
from soundatlas.learning.network import build_network

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import TrainParams
    from soundatlas.store.reading import SpectrogramStore

WARM_UP = 0.1  # share of the steps over which the learning rate rises


@dataclass(frozen=True)
class Fitted:
    """A fitted network.

    Attributes:
        network: with the weights of its best epoch.
        mean_db: mean level of the training tracks, dB; `std_db` their standard deviation.
        history: one row per epoch: losses and accuracies, train and validation.
        best_epoch: counted from 1.
    """

    network: keras.Model
    mean_db: float
    std_db: float
    history: list[dict[str, float]]
    best_epoch: int


def fit_network(
    store: SpectrogramStore,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    space: LabelSpace,
    params: TrainParams,
    *,
    window_frames: int,
    n_mels: int,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda _epoch, _row: None,
) -> Fitted:
    """Fit the network on the training tracks and keep the epoch with the lowest validation loss.

    Runs with TensorFlow's deterministic operations: the same data and seed give the same weights on one machine.

    Args:
        store: spectrograms of all the tracks.
        train: rows of `tables.TRACKS`.
        validation: rows of `tables.TRACKS`; decides when to stop.
        space: classes and scales.
        params: section `train`.
        window_frames: length of a window, in frames.
        n_mels: height of a window, in mel bands.
        on_epoch: called after each epoch with its number, from 1, and its row of the history.
    """
    keras.utils.clear_session()  # Keras numbers layers per process, and their names are part of the model's bytes
    keras.utils.set_random_seed(params.seed)
    tf.config.experimental.enable_op_determinism()
    mean_db, std_db = level_statistics(store, train["audio_sha256"].tolist())
    network = build_network(
        window_frames=window_frames,
        n_mels=n_mels,
        space=space,
        channels=params.channels,
        embedding=params.embedding,
        dropout=params.dropout,
        mean_db=mean_db,
        std_db=std_db,
    )

    def windows(tracks: pd.DataFrame) -> Windows:
        targets = Targets.of(tracks, space)
        return Windows(store, tracks["audio_sha256"].tolist(), targets, window_frames, n_mels, params.batch_size)

    steps = max(1, params.windows_per_epoch // params.batch_size)
    heads = _compiled_heads(network, space, params, total_steps=steps * params.epochs)
    best = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=params.patience, restore_best_weights=True
    )
    reporter = _Reporter(on_epoch)
    heads.fit(
        windows(train).random(
            probabilities=square_root_balance(train[params.classes[0]]), batches_per_epoch=steps, seed=params.seed
        ),
        validation_data=windows(validation).every(),
        epochs=params.epochs,
        steps_per_epoch=steps,
        callbacks=[best, reporter],
        shuffle=False,  # the dataset is random already
        verbose=0,
    )
    return Fitted(network, mean_db, std_db, reporter.rows, best.best_epoch + 1)


def _compiled_heads(network: keras.Model, space: LabelSpace, params: TrainParams, *, total_steps: int) -> keras.Model:
    """Return the network's heads, without the embedding, with cross-entropy per class and Huber loss per attribute."""
    heads = keras.Model(network.input, {name: network.output[name] for name in (*space.classes, *space.attributes)})
    losses: dict[str, Any] = {
        head: keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=params.label_smoothing)
        for head in space.classes
    }
    losses |= {name: keras.losses.Huber() for name in space.attributes}
    weights = dict.fromkeys(space.classes, 1.0) | dict.fromkeys(space.attributes, params.attribute_weight)
    schedule = keras.optimizers.schedules.CosineDecay(
        params.learning_rate / 10,
        max(1, total_steps - int(WARM_UP * total_steps)),
        warmup_target=params.learning_rate,
        warmup_steps=int(WARM_UP * total_steps),
    )
    heads.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=params.weight_decay),
        loss=losses,
        loss_weights=weights,
        weighted_metrics={head: [keras.metrics.CategoricalAccuracy(name="accuracy")] for head in space.classes},
    )
    return heads


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Keeps the history and passes each epoch's row on."""

    def __init__(self, on_epoch: Callable[[int, dict[str, float]], None]) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._on_epoch = on_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {"epoch": float(epoch + 1), **{name: float(value) for name, value in sorted((logs or {}).items())}}
        self.rows.append(row)
        self._on_epoch(epoch + 1, row)
