"""What is searched: the one place that names the tuned parameters of section `train`, and their ranges."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.params import parse_params

if TYPE_CHECKING:
    from optuna import Trial

    from soundatlas.params import Params

DIGITS = 3  # that a drawn number keeps: what is tried is what can be written into params.yaml


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; evenly over their logarithms where `log`."""

    low: float
    high: float
    log: bool = False

    def draw(self, trial: Trial, name: str) -> float:
        """Let the study choose."""
        return float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.{DIGITS}g}")

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        return bool(self.low <= value <= self.high)

    def stored(self, value: Any) -> Any:
        """Return the value as the study stores it."""
        return value

    @property
    def first(self) -> Any:
        """Return one value that can be drawn, always the same."""
        return self.low


@dataclass(frozen=True)
class Choice:
    """A few values; the study stores them as JSON, since it knows no lists."""

    values: tuple[Any, ...]

    def draw(self, trial: Trial, name: str) -> Any:
        """Let the study choose."""
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in self.values]))

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        return value in self.values

    def stored(self, value: Any) -> Any:
        """Return the value as the study stores it."""
        return json.dumps(value)

    @property
    def first(self) -> Any:
        """Return one value that can be drawn, always the same."""
        return self.values[0]


# Around what was found to work on catalogues of some hundred tracks: wide enough to find something better, narrow
# enough for some dozen trials. A dot leads into a subsection.
SPACE: dict[str, Range | Choice] = {
    "learning_rate": Range(3e-4, 6e-3, log=True),
    "weight_decay": Range(1e-5, 1e-2, log=True),
    "dropout": Range(0.0, 0.6),
    "label_smoothing": Range(0.0, 0.2),
    "window_seconds": Choice((2.0, 3.0, 5.0)),
    "channels": Choice(([24, 32, 48], [32, 48, 64], [48, 64, 96])),
    "augmentation.gain_db": Range(0.0, 6.0),
    "augmentation.mask_bands": Choice((0, 8, 16)),
    "augmentation.mask_frames": Choice((0, 8, 16)),
    "augmentation.mixup": Choice((0.0, 0.2, 0.4)),
}


def draw(trial: Trial) -> dict[str, Any]:
    """Let the study choose a value for each tuned parameter."""
    return {name: dimension.draw(trial, name) for name, dimension in SPACE.items()}


def current(params: Params) -> dict[str, Any]:
    """Return the tuned parameters as they are."""
    values = {}
    for name in SPACE:
        place: Any = params.train
        for part in name.split("."):
            place = getattr(place, part)
        values[name] = place
    return values


def stored(values: dict[str, Any]) -> dict[str, Any] | None:
    """Return values as the study stores them; None where one lies outside of the space."""
    if not all(SPACE[name].holds(value) for name, value in values.items()):
        return None
    return {name: SPACE[name].stored(value) for name, value in values.items()}


def applied(params: Params, values: dict[str, Any]) -> Params:
    """Return the parameters with some of section `train` replaced, checked as the file itself is.

    Raises:
        ParamsError: when the values do not go together.
    """
    everything = copy.deepcopy(params.model_dump(by_alias=True))
    for name, value in values.items():
        *path, last = name.split(".")
        section = everything["train"]
        for part in path:
            section = section[part]
        section[last] = value
    return parse_params(everything, "tuning")


def without_tuned(params: Params) -> Params:
    """Return the parameters with every tuned one at a fixed value: what the trials of one study have in common."""
    return applied(params, {name: dimension.first for name, dimension in SPACE.items()})
