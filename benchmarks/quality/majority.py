"""The least that a peer can do: the classes' shares among the training tracks, and the attributes' means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.peer import highest_probabilities
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import Params


@dataclass(frozen=True)
class FittedMajority:
    """The shares of the classes, and the space whose attribute means are the values."""

    shares: dict[str, Any]
    space: LabelSpace
    notes: tuple[str, ...] = ()

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Say the same of every track."""
        probabilities = {head: np.tile(shares, (len(tracks), 1)) for head, shares in self.shares.items()}
        return Predictions(
            probabilities, {name: np.full(len(tracks), scale.mean) for name, scale in self.space.attributes.items()}
        )

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002 - the shape of a peer
        """Have no measure but the probabilities."""
        return highest_probabilities(predictions)

    def embed(self, tracks: pd.DataFrame) -> None:
        """Have no space."""

    def predict_file(self, path: Path) -> None:
        """Need no look at the file."""


@dataclass(frozen=True)
class Majority:
    """The peer."""

    name: str = "majority"
    title: str = "majority class"
    seeded: bool = False
    code: tuple[Path, ...] = (Path(__file__),)

    def missing(self) -> None:
        """Run anywhere."""

    def settings(self, params: Params) -> dict[str, Any]:  # noqa: ARG002 - the shape of a peer
        """Have none."""
        return {}

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Need nothing."""

    def fit(self, task: Task) -> FittedMajority:
        """Count."""
        shares = {}
        for head, truth in task.fold.space.class_targets(task.fold.train).items():
            counts = np.bincount(truth[truth != MISSING], minlength=len(task.fold.space.classes[head]))
            shares[head] = (counts / counts.sum()).astype(np.float32)
        return FittedMajority(shares, task.fold.space)
