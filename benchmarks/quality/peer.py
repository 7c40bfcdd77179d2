"""What every peer of the bench is: something that learns from the training tracks and says what the others are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.splits import Fold
    from soundatlas.learning.evaluation import Predictions
    from soundatlas.params import Params


@dataclass(frozen=True)
class Task:
    """One training: a fold, a seed, and what shapes it.

    Attributes:
        dataset: with its stores.
        fold: who learns, who judges, and the label space.
        seed: of the training.
        params: of the project.
    """

    dataset: Dataset
    fold: Fold
    seed: int
    params: Params


class Fitted(Protocol):
    """A peer after its training."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the table must know of this training, such as a time limit that bit."""
        ...

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Say what some tracks are, in their order, from spectrograms or features that are there already."""
        ...

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:
        """Say per head how surely each track is of a class that was learnt; `predictions` are those of the tracks."""
        ...

    def embed(self, tracks: pd.DataFrame) -> NDArray[np.float32] | None:
        """Place the tracks among each other, shape (tracks, dimensions); None for a peer that has no such space."""
        ...

    def predict_file(self, path: Path) -> None:
        """Do all of the work from an audio file to probabilities, as it is timed."""
        ...


def highest_probabilities(predictions: Predictions) -> dict[str, NDArray[np.float64]]:
    """Return head -> the knownness of a peer that has no measure of its own: max-softmax (arXiv 1610.02136)."""
    return {head: wide.max(axis=1).astype(np.float64) for head, wide in predictions.probabilities.items()}


class Peer(Protocol):
    """Something that can be put in soundatlas' place."""

    @property
    def name(self) -> str:
        """For `--peers`."""
        ...

    @property
    def title(self) -> str:
        """For tables."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether a seed changes anything; one training serves all seeds where it does not."""
        ...

    @property
    def code(self) -> tuple[Path, ...]:
        """Files and folders of source code that shape the result: a kept result of other code is not reused."""
        ...

    def missing(self) -> str | None:
        """Return why the peer cannot run here, or None."""
        ...

    def settings(self, params: Params) -> dict[str, Any]:
        """Return all settings that shape the result, the seed left out, as JSON-like values."""
        ...

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Compute what all trainings share, such as features; its time is not the training's."""
        ...

    def fit(self, task: Task) -> Fitted:
        """Learn."""
        ...
