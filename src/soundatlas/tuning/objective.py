"""What a trial does: train on the training tracks, and score on the validation tracks. The test tracks stay unheard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json
from soundatlas.learning import score
from soundatlas.learning.labels import MISSING
from soundatlas.stages._inputs import load_sides, open_inputs
from soundatlas.stages.train import refuse_restricted
from soundatlas.tables import SPLIT, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.params import Params

SIDES = ("train", "validation")


@dataclass(frozen=True)
class Score:
    """How good a trial's model is on the validation tracks.

    Attributes:
        mean: macro F1, mean over the heads of `promote.primary`; `low` and `high` are its bootstrap interval.
        heads: head -> macro F1.
        tracks: how many validation tracks there are.
    """

    mean: float
    low: float
    high: float
    heads: dict[str, float]
    tracks: int


def load_learning_sides(root: Path, params: Params) -> dict[str, pd.DataFrame]:
    """Return the tracks to train on and those to score on, and no others.

    Raises:
        DataRefusedError: when validation did not pass, a side is empty, a head to score has no labels there, or a
            track's terms forbid training.
    """
    report = root / "data/validation/report.json"
    if not report.is_file() or not read_json(report)["passed"]:
        raise DataRefusedError("validation found errors, or has not run: run `dvc repro validate`")
    split = read_table(root / "data/split/split.parquet", SPLIT)
    sides = load_sides(root, open_inputs(root, params), split[split["side"].isin(SIDES)])
    for side in SIDES:
        if side not in sides:
            raise DataRefusedError(f"no track with a spectrogram is on the {side} side: see data/split/split.parquet")
    for head in params.promote.primary:
        if sides["validation"][head].isna().all():
            raise DataRefusedError(f"no validation track has a {head}, so trials cannot be told apart by it")
    refuse_restricted(pd.concat(sides.values()), allowed=params.train.i_have_permission_to_train_on_restricted_content)
    return sides


def train_and_score(
    root: Path,
    params: Params,
    sides: dict[str, pd.DataFrame],
    on_epoch: Callable[[int, dict[str, float]], None],
) -> Score:
    """Train with some parameters and score on the validation tracks.

    Args:
        root: of the project.
        params: of the trial.
        sides: from `load_learning_sides`.
        on_epoch: called after each epoch with its number, from 1, and its row of the history; may raise to stop.
    """
    from soundatlas.learning.training import train_model

    inputs, validation = open_inputs(root, params), sides["validation"]
    trained = train_model(inputs, sides["train"], validation, params.train, on_epoch=on_epoch)
    outputs = trained.outputs(inputs, validation["audio_sha256"].tolist())
    truth = trained.space.class_targets(validation)
    guess = {head: np.array([output.logits[head].argmax() for output in outputs]) for head in params.promote.primary}
    heads = {head: _macro_f1(truth[head], said) for head, said in guess.items()}

    def mean(rows: NDArray[np.int64]) -> float:
        return float(np.mean([_macro_f1(truth[head][rows], said[rows]) for head, said in guess.items()]))

    samples = score.resamples(validation["group"].to_numpy(), params.evaluate.bootstrap_resamples)
    found = score.interval(mean, samples, len(validation), params.evaluate.confidence)
    return Score(found.value, found.low, found.high, heads, len(validation))


def _macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """Return macro F1 over the tracks with a class that was learnt; NaN where there are none."""
    known = truth != MISSING
    return score.macro_f1(truth[known], guess[known]) if known.any() else float("nan")
