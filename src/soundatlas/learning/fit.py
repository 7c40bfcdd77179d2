"""Fitting the network: losses, learning rate, early stopping, resuming, and the same result from the same seed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from soundatlas.environment import hold_memory
from soundatlas.learning.dataset import Targets, Windows, level_statistics, square_root_balance
from soundatlas.learning.labels import MISSING
from soundatlas.learning.network import build_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.learning.resume import Checkpoint
    from soundatlas.params import TrainParams
    from soundatlas.store.reading import SpectrogramStore

MIXED, FULL = "mixed_float16", "float32"
MOST_BUILDS = 6
WARM_UP = 0.1  # share of the steps over which the learning rate rises


@dataclass(frozen=True)
class Fitted:
    """A fitted network.

    Attributes:
        network: with the weights that were kept.
        mean_db: mean level of the training tracks, dB; `std_db` their standard deviation.
        history: one row per epoch: losses and accuracies, train and validation.
        kept_epoch: counted from 1: the last one, or the best one where the fit stopped early.
    """

    network: keras.Model
    mean_db: float
    std_db: float
    history: list[dict[str, float]]
    kept_epoch: int


def fit_network(
    store: SpectrogramStore,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    space: LabelSpace,
    params: TrainParams,
    *,
    window_frames: int,
    n_mels: int,
    stems: int = 0,
    checkpoint: Checkpoint | None = None,
    extra: dict[str, Any] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda _epoch, _row: None,
) -> Fitted:
    """Fit the network on the training tracks.

    The learning rate follows one cosine over all the epochs, so the last epoch is kept; when the mean validation
    accuracy of the class heads has not risen for `patience` epochs, the fit stops and the best epoch is kept. The
    summed loss would be a poor judge: the attributes' part of it rises while the classes still get better. What is kept
    of an epoch is the moving average of the weights (Polyak & Juditsky, SIAM J. Control Optim. 30(4), 1992); epochs are
    judged by the weights themselves.

    Runs with TensorFlow's deterministic operations: the same data and seed give the same weights on one machine, also
    after a kill, when the fit goes on from the last epoch in `checkpoint`.

    Args:
        store: spectrograms of all the tracks.
        train: rows of `tables.TRACKS`.
        validation: rows of `tables.TRACKS`; decides when to stop.
        space: classes and scales.
        params: section `train`.
        window_frames: length of a window, in frames.
        n_mels: height of a window, in mel bands.
        stems: how many the store holds beside the mix.
        checkpoint: where the state after each epoch is kept; removed by the caller.
        extra: what to keep there beside it.
        on_epoch: called after each epoch that is fitted now, with its number, from 1, and its row of the history.
    """
    hold_memory()
    tf.config.experimental.enable_op_determinism()
    mean_db, std_db = level_statistics(store, train["audio_sha256"].tolist())
    shape: dict[str, Any] = {
        "window_frames": window_frames,
        "n_mels": n_mels,
        "space": space,
        "channels": params.channels,
        "embedding": params.embedding,
        "dropout": params.dropout,
        "mean_db": mean_db,
        "std_db": std_db,
        "stems": stems,
    }

    def windows(tracks: pd.DataFrame) -> Windows:
        targets = Targets.of(tracks, space)
        shas = tracks["audio_sha256"].tolist()
        return Windows(store, shas, targets, window_frames, n_mels, params.batch_size, stems)

    steps = max(1, params.windows_per_epoch // params.batch_size)
    probabilities = square_root_balance(train[params.classes[0]])
    with precision(training_precision(params)):
        network = drawn_alone(params.seed, lambda: build_network(**shape))
        heads = compiled_heads(network, space, params, total_steps=steps * params.epochs)
    history = checkpoint.history if checkpoint else []
    if checkpoint and history:
        checkpoint.restore(heads)
    keeper = _Keeper(history, params, checkpoint, extra or {}, on_epoch)
    if not keeper.ended():
        heads.fit(
            windows(train).random(
                probabilities=probabilities,
                batches_per_epoch=steps,
                seed=params.seed,
                augmentation=params.augmentation,
                first_epoch=len(history),
            ),
            validation_data=windows(validation).every(),
            initial_epoch=len(history),
            epochs=params.epochs,
            steps_per_epoch=steps,
            callbacks=[keeper],
            shuffle=False,  # the dataset is random already
            verbose=0,
        )
    kept_epoch = keeper.keep(heads)
    if training_precision(params) != FULL:  # what is saved, exported and served computes in float32
        keras.utils.clear_session()
        weights, network = network.get_weights(), build_network(**shape)
        network.set_weights(weights)
    balance_heads(network, space, train, probabilities)
    return Fitted(network, mean_db, std_db, keeper.rows, kept_epoch)


def drawn_alone(seed: int, build: Callable[[], keras.Model]) -> keras.Model:
    """Build a network whose first weights follow from the seed alone.

    Keras draws the seeds of its layers from Python's own generator, and so may another thread meanwhile (clients of
    services do, for their pauses). So where there are others the network is built until two in a row are equal.

    Raises:
        RuntimeError: when that does not come about.
    """
    is_alone = threading.active_count() == 1
    before: list[NDArray[np.generic]] | None = None
    for _ in range(MOST_BUILDS):
        keras.utils.clear_session()  # Keras numbers layers per process, and their names are part of the model's bytes
        keras.utils.set_random_seed(seed)
        network = build()
        drawn = [np.asarray(variable) for variable in network.variables]
        if is_alone or (before is not None and all(map(np.array_equal, drawn, before))):
            return network
        before = drawn
    raise RuntimeError("other threads of this process draw random numbers all the time: no training can be repeated")


def training_precision(params: TrainParams) -> str:
    """Return the precision of the layers in training: float16 with float32 weights on a GPU (arXiv 1710.03740)."""
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return MIXED if params.mixed_precision and on_gpu else FULL


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Let Keras build and compile networks in a precision, and put its own back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def balance_heads(
    network: keras.Model, space: LabelSpace, train: pd.DataFrame, probabilities: NDArray[np.float64]
) -> None:
    """Take out of each class head's logits how often its classes were drawn, so that none is favoured for its size.

    Logit adjustment after the training (Menon et al., ICLR 2021, arXiv 2007.07314), in the biases of the heads.

    Args:
        network: fitted; changed in place.
        space: its classes.
        train: the training tracks.
        probabilities: with which each was drawn.
    """
    for head, truth in space.class_targets(train).items():
        known = truth != MISSING
        shares = np.bincount(truth[known], weights=probabilities[known], minlength=len(space.classes[head]))
        weights, bias = network.get_layer(head).get_weights()
        network.get_layer(head).set_weights([weights, bias - np.log(shares / shares.sum()).astype(np.float32)])


def compiled_heads(network: keras.Model, space: LabelSpace, params: TrainParams, *, total_steps: int) -> keras.Model:
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
        optimizer=keras.optimizers.AdamW(
            schedule,
            weight_decay=params.weight_decay,
            use_ema=params.weight_averaging > 0,
            ema_momentum=params.weight_averaging,
        ),
        loss=losses,
        loss_weights=weights,
        weighted_metrics={head: [keras.metrics.CategoricalAccuracy(name="accuracy")] for head in space.classes},
    )
    return heads


def _averaged_weights(heads: keras.Model) -> list[NDArray[np.float32]]:
    """Return a compiled model's weights with the optimizer's moving average of them, where it has one."""
    own = heads.get_weights()
    heads.optimizer.finalize_variable_values(heads.trainable_variables)
    averaged: list[NDArray[np.float32]] = heads.get_weights()
    heads.set_weights(own)
    return averaged


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Keeps the history and the best epoch, stops a fit that no longer gets better, and writes checkpoints."""

    def __init__(
        self,
        rows: list[dict[str, float]],
        params: TrainParams,
        checkpoint: Checkpoint | None,
        extra: dict[str, Any],
        on_epoch: Callable[[int, dict[str, float]], None],
    ) -> None:
        super().__init__()
        self.rows = rows
        self._params = params
        self._checkpoint = checkpoint
        self._extra = extra
        self._on_epoch = on_epoch
        self._best_weights: list[NDArray[np.float32]] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        row = {"epoch": float(epoch + 1), **{self._named(name): float(value) for name, value in sorted(logs.items())}}
        self.rows.append(row)
        best = self._best_epoch() == len(self.rows)
        if best:
            self._best_weights = _averaged_weights(self.model)
        if self._checkpoint:
            self._checkpoint.save(self.model, self.rows, best=best, extra=self._extra)
        self.model.stop_training = self._stale()
        self._on_epoch(epoch + 1, row)

    def _named(self, name: str) -> str:
        """Give a figure the name of its head: where there is only one, Keras leaves the head out."""
        only = self._params.classes[0]
        return {"accuracy": f"{only}_accuracy", "val_accuracy": f"val_{only}_accuracy"}.get(name, name)

    def ended(self) -> bool:
        """Whether there is nothing left to fit."""
        return len(self.rows) >= self._params.epochs or self._stale()

    def keep(self, heads: keras.Model) -> int:
        """Put the weights that are kept into the model and return their epoch, from 1."""
        stale = self._stale()
        if stale and self._best_weights is not None:
            heads.set_weights(self._best_weights)
            return self._best_epoch()
        if stale and self._checkpoint:  # the best epoch was fitted before the process was killed
            self._checkpoint.restore(heads, best=True)
        heads.optimizer.finalize_variable_values(heads.trainable_variables)
        return self._best_epoch() if stale else len(self.rows)

    def _stale(self) -> bool:
        return bool(self.rows) and len(self.rows) - self._best_epoch() >= self._params.patience

    def _best_epoch(self) -> int:
        """Return the first epoch, from 1, with the highest mean validation accuracy of the class heads."""
        means = [sum(row[f"val_{head}_accuracy"] for head in self._params.classes) for row in self.rows]
        return means.index(max(means)) + 1
