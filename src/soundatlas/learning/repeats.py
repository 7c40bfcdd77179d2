"""How much of a score is luck, and how much is leakage: other seeds, and a split that does not keep works together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.errors import ParamsError
from soundatlas.learning import score
from soundatlas.learning.folds import fold_sides
from soundatlas.learning.split import side_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.params import SplitParams

GROUPED, RANDOM, FOLDS = "grouped", "random", "folds"


def random_sides(split: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Return the split with every audio file on a side of its own, whatever work or album it belongs to.

    This is how much of the literature splits, and it flatters: the album effect (Whitman et al., 2001; Pampalk et
    al., ISMIR 2005).

    Args:
        split: rows of `tables.SPLIT`.
        params: shares and salt.
    """
    return split.assign(side=[side_of(sha, params) for sha in split["audio_sha256"]])


def folds_of_sides(split: pd.DataFrame, classes: pd.Series[str], folds: int, validation: float) -> list[pd.DataFrame]:
    """Return the split once per fold: groups stay together, and every track is a test track once.

    Args:
        split: rows of `tables.SPLIT`.
        classes: class of each row, by which the folds are alike; missing where it has none.
        folds: how many.
        validation: share of the rest.

    Raises:
        ParamsError: when there are too few tracks.
    """
    try:
        divided = fold_sides(split["group"].tolist(), classes.fillna("").tolist(), folds, validation)
    except ValueError as error:
        raise ParamsError(f"repeats.folds: {error}: give fewer") from None
    return [split.assign(side=sides) for sides in divided]


def summarise(
    predictions: pd.DataFrame, heads: Sequence[str], *, resample_count: int, confidence: float
) -> dict[str, dict[str, Any]]:
    """Return the scores of repeated trainings: head -> figures.

    Args:
        predictions: a row per training and test track: split ("grouped", "random" or "folds"), seed, track_id, group,
            and per head `<head>` (the prediction) and `<head>_truth` (missing where there is none or training never saw
            it). The folds are one training, and have one seed.
        heads: the class heads.
        resample_count: bootstrap samples of groups behind each interval; all seeds of a split share them.
        confidence: of the intervals.

    Returns:
        head -> split -> seeds, tracks, macro_f1 (mean over seeds) with its interval, macro_f1_min and _max over seeds,
        accuracy; and head -> gap: how much higher the random split scores, with its interval.
    """
    figures: dict[str, dict[str, Any]] = {}
    for head in heads:
        found: dict[str, Any] = {}
        draws: dict[str, NDArray[np.float64]] = {}
        for split, rows in predictions.groupby("split"):
            known = rows[rows[f"{head}_truth"].notna()]
            if known.empty:
                continue
            found[str(split)], draws[str(split)] = _over_seeds(known, head, resample_count, confidence)
        if {GROUPED, RANDOM} <= set(found):
            # the draws are always the same: with as many groups in either test side both would move as one
            differences = draws[RANDOM][::-1] - draws[GROUPED]
            low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
            found["gap"] = {
                "macro_f1": found[RANDOM]["macro_f1"] - found[GROUPED]["macro_f1"],
                "macro_f1_low": float(low),
                "macro_f1_high": float(high),
            }
        figures[head] = found
    return figures


def _over_seeds(
    known: pd.DataFrame, head: str, resample_count: int, confidence: float
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Score the trainings of one split, and their seed-averaged macro F1 on every bootstrap sample."""
    answers = [rows.sort_values("track_id") for _, rows in known.groupby("seed")]
    names = pd.Index(pd.unique(pd.concat([known[f"{head}_truth"], known[head]])))
    truth = names.get_indexer(answers[0][f"{head}_truth"])
    guesses = [names.get_indexer(rows[head]) for rows in answers]
    samples = score.resamples(answers[0]["group"].to_numpy(), resample_count)
    draws = np.array([np.mean([score.macro_f1(truth[s], guess[s]) for guess in guesses]) for s in samples])
    single = [score.macro_f1(truth, guess) for guess in guesses]
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {
        "seeds": len(answers),
        "tracks": len(truth),
        "macro_f1": float(np.mean(single)),
        "macro_f1_low": float(low),
        "macro_f1_high": float(high),
        "macro_f1_min": min(single),
        "macro_f1_max": max(single),
        "accuracy": float(np.mean([score.accuracy(truth, guess) for guess in guesses])),
    }, draws
