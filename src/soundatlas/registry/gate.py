"""The gate: whether a challenger has earned the champion's place, by a paired grouped bootstrap on the test tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.learning.score import interval, macro_f1, resamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.params import PromoteParams

UNKNOWN = ""


@dataclass(frozen=True)
class Verdict:
    """A decision with what it rests on.

    Attributes:
        promoted: whether the challenger becomes champion.
        reason: one sentence.
        figures: challenger's and rival's metric, gain with its interval, heads and number of tracks.
    """

    promoted: bool
    reason: str
    figures: dict[str, Any] = field(default_factory=dict)


def judge_first(
    truth: pd.DataFrame, challenger: pd.DataFrame, majority: dict[str, str], groups: NDArray[Any], params: PromoteParams
) -> Verdict:
    """Judge a model while there is no champion: it must beat the majority class.

    Args:
        truth: labels of the test tracks, a column per head; NaN where missing.
        challenger: its labels for the same tracks.
        majority: head -> the most frequent class among the training tracks.
        groups: the split's group of each track.
        params: section `promote`.
    """
    rival = pd.DataFrame({head: [majority[head]] * len(truth) for head in params.primary})
    return _judge(truth, challenger, rival, groups, params, "the majority class")


def judge_against(
    truth: pd.DataFrame, challenger: pd.DataFrame, champion: pd.DataFrame, groups: NDArray[Any], params: PromoteParams
) -> Verdict:
    """Judge a challenger against the champion, both on the same test tracks; arguments as for `judge_first`."""
    return _judge(truth, challenger, champion, groups, params, "the champion")


def _judge(
    truth: pd.DataFrame,
    challenger: pd.DataFrame,
    rival: pd.DataFrame,
    groups: NDArray[Any],
    params: PromoteParams,
    rival_name: str,
) -> Verdict:
    pairs = [_codes(truth[head], challenger[head], rival.get(head)) for head in params.primary]

    def mean_f1(rows: NDArray[np.int64], guess: int) -> float:
        return float(np.mean([_known_f1(codes[0][rows], codes[guess][rows]) for codes in pairs]))

    samples = resamples(groups, params.bootstrap_resamples)
    everything = np.arange(len(truth))
    gain = interval(lambda rows: mean_f1(rows, 1) - mean_f1(rows, 2), samples, len(truth), params.confidence)
    figures = {
        "metric": f"mean macro F1 of {', '.join(params.primary)}",
        "tracks": len(truth),
        "challenger": mean_f1(everything, 1),
        "rival": mean_f1(everything, 2),
        "rival_name": rival_name,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "min_gain": params.min_gain,
    }
    promoted = gain.low > params.min_gain
    reason = (
        f"mean macro F1 {figures['challenger']:.3f} against {figures['rival']:.3f} of {rival_name}: "
        f"gain {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] on {len(truth)} test tracks, "
        f"the lower bound is {'above' if promoted else 'not above'} {params.min_gain:g}"
    )
    return Verdict(promoted, reason, figures)


def _codes(truth: pd.Series[str], *guesses: pd.Series[str] | None) -> list[NDArray[np.int64]]:
    """Number the labels of all columns alike, -1 where missing; a rival that lacks the head is never right."""
    columns: Sequence[pd.Series[str]] = [
        truth,
        *(pd.Series([UNKNOWN] * len(truth)) if guess is None else guess for guess in guesses),
    ]
    codes, _ = pd.factorize(pd.concat([column.reset_index(drop=True) for column in columns]))
    return list(codes.reshape(len(columns), len(truth)))


def _known_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    known = truth >= 0
    return macro_f1(truth[known], guess[known]) if known.any() else float("nan")
