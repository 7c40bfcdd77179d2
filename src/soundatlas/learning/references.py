"""Training tracks that a model keeps, to tell how near a new track is to those that it learned a class from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soundatlas.errors import BundleError
from soundatlas.files import replacing_file_apart
from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "references.safetensors"
MOST = 2_000  # tracks that are kept: some 9 MB of statistics
NEAREST = 3
SEED = 0
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class References:
    """Features of training tracks of known class.

    Attributes:
        center: mean of every feature over the training tracks, float32, shape (features,).
        spread: their standard deviation.
        features: standardised, float32, shape (tracks, features).
        classes: class index of each, int64, shape (tracks,).
    """

    center: NDArray[np.float32]
    spread: NDArray[np.float32]
    features: NDArray[np.float32]
    classes: NDArray[np.int64]

    @classmethod
    def of(cls, features: NDArray[np.float32], classes: NDArray[np.int64], *, most: int = MOST) -> References:
        """Keep the training tracks of known class; of very many a random choice, with the nearest of no class missing.

        Args:
            features: float32, shape (tracks, features).
            classes: class index of each, `MISSING` where it has none.
            most: tracks to keep; more only where three of each class are more.
        """
        center = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = np.maximum(features.std(axis=0, dtype=np.float64), LEAST_SPREAD).astype(np.float32)
        known = np.flatnonzero(classes != MISSING)
        if len(known) > most:
            shuffled = np.random.default_rng(SEED).permutation(known)
            by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
            place = np.arange(len(by_class)) - np.searchsorted(classes[by_class], classes[by_class])  # within its class
            first = by_class[place < NEAREST]
            others = shuffled[~np.isin(shuffled, first)]
            known = np.sort(np.concatenate([first, others[: max(0, most - len(first))]]))
        return cls(center, spread, (features[known] - center) / spread, classes[known].astype(np.int64))

    def nearness(self, features: NDArray[np.float32], label: int) -> float:
        """Return how near a track is to the training tracks of a class: 0 among them, the more below it the farther.

        Minus the mean squared difference per standardised feature, averaged over the three nearest of them: the
        distance to nearest neighbours tells strangers without an assumption on how a class is spread (Sun et al.,
        ICML 2022, arXiv 2204.06507).

        Args:
            features: of the track, shape (features,).
            label: index of a class that a training track has.
        """
        own = self.features[self.classes == label]
        distances = np.square((features - self.center) / self.spread - own).mean(axis=1, dtype=np.float64)
        return -float(np.sort(distances)[:NEAREST].mean())

    def save(self, folder: Path) -> None:
        """Write a safetensors file into a bundle; equal references give equal bytes."""
        tensors = {name: np.ascontiguousarray(values) for name, values in vars(self).items()}
        with replacing_file_apart(folder / NAME) as beside:
            save_file(tensors, beside)

    @classmethod
    def load(cls, folder: Path) -> References:
        """Read what `save` wrote.

        Raises:
            BundleError: when the file is missing or damaged.
        """
        try:
            file = cast("Any", safe_open(folder / NAME, framework="numpy"))
            return cls(**{name: file.get_tensor(name) for name in cls.__dataclass_fields__})
        except (SafetensorError, OSError) as error:
            raise BundleError(f"{NAME} cannot be read ({error}): train the model again") from None
