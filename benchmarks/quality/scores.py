"""Figures of a peer over all its seeds, and the paired comparison of two peers.

A metric is taken per seed and averaged over the seeds, in the data as they are and in every bootstrap sample of
whole groups: the interval says how much the choice of test tracks matters to the mean over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from soundatlas.learning import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.quality.cells import Cell

LEAST_GROUPS = 5  # of known and of unknown tracks each; with fewer, an interval says nothing


@dataclass(frozen=True)
class HeadResult:
    """What one peer said of the labelled test tracks of one head, over all folds, per seed.

    Attributes:
        groups: of the tracks, shape (tracks,), in the order of `track_id`.
        truth: class index, shape (tracks,).
        probabilities: shape (seeds, tracks, classes).
        seeds: of the trainings.
    """

    groups: NDArray[Any]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    seeds: tuple[int, ...]

    @cached_property
    def guesses(self) -> NDArray[np.int64]:
        """Class index per seed and track."""
        return np.asarray(self.probabilities.argmax(axis=2))

    def macro_f1(self, rows: NDArray[np.int64]) -> float:
        """Return the macro F1 of some tracks, averaged over the seeds."""
        return float(np.mean([score.macro_f1(self.truth[rows], guess[rows]) for guess in self.guesses]))


def head_result(cells: Sequence[Cell], head: str, classes: tuple[str, ...]) -> HeadResult:
    """Gather one head of one peer from its cells: all seeds, and all folds one below the other."""
    seeds = tuple(sorted({cell.seed for cell in cells}))
    tables = []
    for seed in seeds:
        parts = [rows[rows["learnt"]] for rows in (_rows_of(cell, head) for cell in cells if cell.seed == seed)]
        tables.append(pd.concat(parts).sort_values("track_id", ignore_index=True))
    index = {name: position for position, name in enumerate(classes)}
    return HeadResult(
        tables[0]["group"].to_numpy(),
        np.asarray(tables[0]["actual"].map(index), dtype=np.int64),
        np.stack([np.stack(list(table["probabilities"])) for table in tables]).astype(np.float32),
        seeds,
    )


def _rows_of(cell: Cell, head: str) -> pd.DataFrame:
    return cell.predictions[cell.predictions["head"] == head]


def retrieval_figures(
    cells: Sequence[Cell], head: str, resample_count: int, confidence: float
) -> dict[str, float] | None:
    """Return the mAP@10 of one head of one peer, averaged over the seeds; None for a peer without a space."""
    rows = pd.concat([_rows_of(cell, head).assign(seed=cell.seed) for cell in cells])
    wide = rows[rows["learnt"]].pivot_table(index=["track_id", "group"], columns="seed", values="average_precision")
    if wide.empty:
        return None
    means = wide.mean(axis=1).to_numpy()

    def mean(positions: NDArray[np.int64]) -> float:
        return float(means[positions].mean())

    samples = score.resamples(wide.index.get_level_values("group").to_numpy(), resample_count)
    found = score.interval(mean, samples, len(means), confidence)
    return {"map_at_10": found.value, "map_at_10_low": found.low, "map_at_10_high": found.high, "queries": len(means)}


@dataclass(frozen=True)
class OpenSetResult:
    """How surely one peer knows the tracks of one head, over all folds, per seed.

    Attributes:
        tracks: their ids, shape (rows,), in order; a stranger has a row for every fold.
        groups: of the tracks, shape (rows,).
        learnt: whether a training track has the track's class, shape (rows,).
        knownness: shape (seeds, rows).
    """

    tracks: NDArray[Any]
    groups: NDArray[Any]
    learnt: NDArray[np.bool_]
    knownness: NDArray[np.float64]

    def auroc(self, rows: NDArray[np.int64]) -> float:
        """Return the area under the ROC curve by which learnt classes are told from others, averaged over the seeds."""
        return float(np.mean([roc_auc_score(self.learnt[rows], one[rows]) for one in self.knownness]))

    def resamples(self, count: int) -> list[NDArray[np.int64]]:
        """Draw bootstrap samples of whole groups; known and unknown tracks apart, so that no sample lacks a kind."""
        known, unknown = (
            [rows[sample] for sample in score.resamples(self.groups[rows], count)]
            for rows in (np.flatnonzero(self.learnt), np.flatnonzero(~self.learnt))
        )
        backwards = reversed(unknown)  # the draws are always the same: as many groups of either kind would move as one
        return [np.concatenate(both) for both in zip(known, backwards, strict=True)]


def open_set_result(cells: Sequence[Cell], head: str) -> OpenSetResult | None:
    """Gather the knownness of one head of one peer; None where no track is of a class that was not learnt."""
    seeds = sorted({cell.seed for cell in cells})
    tables = [
        pd.concat([_rows_of(cell, head).assign(fold=cell.fold) for cell in cells if cell.seed == seed]).sort_values(
            ["track_id", "fold"], ignore_index=True
        )
        for seed in seeds
    ]
    learnt = tables[0]["learnt"].to_numpy(bool)
    if learnt.all() or not learnt.any():
        return None
    knownness = np.stack([table["knownness"].to_numpy(np.float64) for table in tables])
    return OpenSetResult(tables[0]["track_id"].to_numpy(), tables[0]["group"].to_numpy(), learnt, knownness)


def open_set_figures(result: OpenSetResult, resample_count: int, confidence: float) -> dict[str, float]:
    """Return the AUROC of one head of one peer with its interval, and how many tracks of either kind there are.

    The AUROC is NaN where the tracks of one kind are of fewer than `LEAST_GROUPS` groups.
    """
    kinds = {"known": result.learnt, "unknown": ~result.learnt}
    counts = {f"{kind}_tracks": float(len(np.unique(result.tracks[rows]))) for kind, rows in kinds.items()}
    if min(len(np.unique(result.groups[rows])) for rows in kinds.values()) < LEAST_GROUPS:
        return dict.fromkeys(("auroc", "auroc_low", "auroc_high"), float("nan")) | counts
    found = score.interval(result.auroc, result.resamples(resample_count), len(result.learnt), confidence)
    return {"auroc": found.value, "auroc_low": found.low, "auroc_high": found.high} | counts


def class_figures(result: HeadResult, resample_count: int, confidence: float) -> dict[str, Any]:
    """Return the figures of one head of one peer, each the mean over its seeds, and the macro F1 of every seed."""
    samples = score.resamples(result.groups, resample_count)
    best = score.interval(result.macro_f1, samples, len(result.truth), confidence)
    truth = result.truth
    figures = [
        {
            "weighted_f1": float(f1_score(truth, guess, average="weighted", zero_division=0.0)),
            "accuracy": score.accuracy(truth, guess),
            "top_3_accuracy": float((np.argsort(-one, axis=1)[:, : score.TOP] == truth[:, None]).any(axis=1).mean()),
            "ece": score.expected_calibration_error(truth, one),
        }
        for one, guess in zip(result.probabilities, result.guesses, strict=True)
    ]
    return {
        "macro_f1": best.value,
        "macro_f1_low": best.low,
        "macro_f1_high": best.high,
        "macro_f1_per_seed": [score.macro_f1(truth, guess) for guess in result.guesses],
        **{name: float(np.mean([row[name] for row in figures])) for name in figures[0]},
        "tracks": len(truth),
        "classes": len(np.unique(truth)),
    }


def attribute_figures(
    cells: Sequence[Cell], name: str, resample_count: int, confidence: float
) -> dict[str, Any] | None:
    """Return R2, mean absolute error and Spearman of one attribute, averaged over the seeds; None where there is none.

    R2 is against predicting the training mean of the fold: 0 is no better than that. Spearman is within each fold,
    averaged over those that have one: over all of them, training means alone would look like a ranking.
    """
    rows = pd.concat([cell.predictions.assign(seed=cell.seed) for cell in cells])
    rows = rows[rows["head"] == name]
    if rows.empty:
        return None
    wide = rows.pivot_table(index=["track_id", "group"], columns="seed", values="predicted_value")
    one = rows.drop_duplicates("track_id").set_index("track_id").loc[wide.index.get_level_values("track_id")]
    truth, mean = one["actual_value"].to_numpy(), one["train_mean"].to_numpy()
    errors = np.square(wide.to_numpy() - truth[:, None]).mean(axis=1)
    baseline = np.square(mean - truth)

    def r2(positions: NDArray[np.int64]) -> float:
        total = baseline[positions].sum()
        return float(1 - errors[positions].sum() / total) if total > 0 else float("nan")

    samples = score.resamples(wide.index.get_level_values("group").to_numpy(), resample_count)
    best = score.interval(r2, samples, len(truth), confidence)
    return {
        "r2": best.value,
        "r2_low": best.low,
        "r2_high": best.high,
        "mae": float(np.abs(wide.to_numpy() - truth[:, None]).mean()),
        "spearman": _spearman([_rows_of(cell, name) for cell in cells]),
        "tracks": len(truth),
    }


def _spearman(parts: list[pd.DataFrame]) -> float:
    """Return the mean rank correlation of the parts whose values and guesses differ, as `evaluate` has it."""
    found = []
    for rows in parts:
        truth, guess = rows["actual_value"].to_numpy(), rows["predicted_value"].to_numpy()
        if len(rows) >= score.MIN_TRACKS_FOR_CORRELATION and np.ptp(truth) > 0 and np.ptp(guess) > 0:
            found.append(float(spearmanr(truth, guess).statistic))
    return float(np.mean(found)) if found else float("nan")


@dataclass(frozen=True)
class Difference:
    """How much better one peer is than another, in macro F1 averaged over seeds.

    Attributes:
        value: over all test tracks.
        low: of the interval, and `high`.
        p: share of the bootstrap samples in which it is not better.
    """

    value: float
    low: float
    high: float
    p: float


def paired_difference(ours: HeadResult, theirs: HeadResult, resample_count: int, confidence: float) -> Difference:
    """Compare two peers on the same tracks, in the same bootstrap samples of groups.

    Args:
        ours: the one that may be better.
        theirs: the other, over the same tracks; its seeds may be others.
        resample_count: number of samples.
        confidence: of the interval.
    """

    def gain(rows: NDArray[np.int64]) -> float:
        return ours.macro_f1(rows) - theirs.macro_f1(rows)

    differences = np.array([gain(rows) for rows in score.resamples(ours.groups, resample_count)])
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Difference(gain(np.arange(len(ours.truth))), float(low), float(high), float(np.mean(differences <= 0)))
