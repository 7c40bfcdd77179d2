"""What a training needs to go on after its process was killed: weights, optimizer, chance and history, per epoch."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from soundatlas.files import read_json, remove_leftovers, replacing_folder, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import keras

STATE_NAME = "state.json"
LATEST_NAME = "latest.weights.h5"
BEST_NAME = "best.weights.h5"


class Checkpoint:
    """The last finished epoch of one training, in a folder that is replaced whole.

    Keras' own BackupAndRestore writes weights and epoch one after the other, so that a kill between the two leaves
    weights of one epoch with the number of another; and it keeps neither history nor the best epoch.

    Args:
        folder: where it lies; it need not exist.
        key: of data, params and seed; a checkpoint of another training is dropped.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key
        remove_leftovers(folder.parent)
        if folder.exists() and self._state().get("key") != key:
            shutil.rmtree(folder)

    def _state(self) -> dict[str, Any]:
        path = self.folder / STATE_NAME
        return dict(read_json(path)) if path.is_file() else {}

    @property
    def extra(self) -> dict[str, Any]:
        """What the caller kept beside it; empty when there is no checkpoint."""
        return dict(self._state().get("extra", {}))

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of the finished epochs; empty when there is no checkpoint."""
        return list(self._state().get("history", []))

    def save(self, model: keras.Model, history: list[dict[str, float]], *, best: bool, extra: dict[str, Any]) -> None:
        """Write the state after an epoch.

        Args:
            model: compiled; its optimizer's state is part of its weights.
            history: a row per finished epoch.
            best: this epoch is the best so far.
            extra: JSON-like values of the caller's.
        """
        with replacing_folder(self.folder) as beside:
            model.save_weights(beside / LATEST_NAME)
            if best:
                shutil.copyfile(beside / LATEST_NAME, beside / BEST_NAME)
            else:
                shutil.copyfile(self.folder / BEST_NAME, beside / BEST_NAME)
            chance = [generator.state.numpy().tolist() for generator in _generators(model)]
            state = {"key": self.key, "history": history, "extra": extra, "chance": chance}
            write_json(beside / STATE_NAME, state)

    def restore(self, model: keras.Model, *, best: bool = False) -> None:
        """Load the weights of the last, or of the best, epoch into a compiled model."""
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self.folder / (BEST_NAME if best else LATEST_NAME))
        for generator, state in zip(_generators(model), self._state()["chance"], strict=True):
            generator.state.assign(state)

    def remove(self) -> None:
        """Delete it: the training ended."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _generators(model: keras.Model) -> list[Any]:
    """Return the random generators of the model's layers: Keras does not write their state with the weights."""
    return [layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")]
