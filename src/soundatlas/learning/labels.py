"""What the heads learn: the ordered classes and the scales of the attributes, and tracks as arrays of targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.errors import DataRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

MISSING = -1


@dataclass(frozen=True)
class Scale:
    """An attribute's mean and standard deviation over the training tracks, in the attribute's own unit."""

    mean: float
    std: float

    def value(self, standardised: float) -> float:
        """Return a standardised value in the attribute's own unit."""
        return standardised * self.std + self.mean


@dataclass(frozen=True)
class LabelSpace:
    """Head -> its ordered classes, and attribute -> its scale. A part of every model's contract."""

    classes: dict[str, tuple[str, ...]]
    attributes: dict[str, Scale]

    @classmethod
    def of(cls, tracks: pd.DataFrame, classes: Sequence[str], attributes: Sequence[str]) -> LabelSpace:
        """Collect classes and scales from the training tracks; an attribute that none of them has is left out.

        Raises:
            DataRefusedError: when a head would have nothing to tell apart.
        """
        vocabularies = {head: tuple(sorted(tracks[head].dropna().unique())) for head in classes}
        for head, vocabulary in vocabularies.items():
            if len(vocabulary) < 2:  # noqa: PLR2004 - two classes are the least that can be told apart
                raise DataRefusedError(
                    f"train.classes names {head!r}, but the training tracks have {len(vocabulary)} class of it"
                )
        scales = {}
        for attribute in attributes:
            values = tracks[attribute].dropna()
            if values.empty:
                continue
            varied = values.min() < values.max()  # the std of equal values may come out as 1e-17
            scales[attribute] = Scale(float(values.mean()), float(values.std(ddof=0)) if varied else 1.0)
        return cls(vocabularies, scales)

    @classmethod
    def from_contract(cls, contract: dict[str, Any]) -> LabelSpace:
        """Read what `contract` returned."""
        classes = {head: tuple(names) for head, names in contract["classes"].items()}
        return cls(classes, {name: Scale(**scale) for name, scale in contract["attributes"].items()})

    def contract(self) -> dict[str, Any]:
        """Return the label space as JSON-like values, classes in order."""
        return {
            "classes": {head: list(names) for head, names in self.classes.items()},
            "attributes": {name: {"mean": scale.mean, "std": scale.std} for name, scale in self.attributes.items()},
        }

    def class_targets(self, tracks: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
        """Return head -> class index per track, shape (tracks,); `MISSING` where absent or never seen in training."""
        return {
            head: np.asarray(tracks[head].map({name: i for i, name in enumerate(names)}).fillna(MISSING), np.int64)
            for head, names in self.classes.items()
        }

    def attribute_targets(self, tracks: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
        """Return attribute -> standardised value per track, shape (tracks,); NaN where absent."""
        return {
            name: ((tracks[name] - scale.mean) / scale.std).to_numpy(np.float32)
            for name, scale in self.attributes.items()
        }
