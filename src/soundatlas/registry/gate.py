"""The gate: whether a challenger has earned the champion's place.

Both are scored on the same test tracks. A paired bootstrap over whole groups (Efron & Tibshirani, An Introduction to
the Bootstrap, 1993, chapters 13 and 8.5) gives the gain its interval; no class may lose much, confidences must mean
what they say, and the challenger must not be much slower.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.learning.score import expected_calibration_error, interval, macro_f1, resamples
from soundatlas.registry.gate_tables import class_rows, confusion, label_changes, shared_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundatlas.params import PromoteParams

UNKNOWN = ""
MOST_NAMES = 5  # that a sentence lists
LEAST_CLASS_TRACKS = 10  # test tracks from which on a class has a say of its own


@dataclass(frozen=True)
class Answers:
    """What a model says of the test tracks, in their order.

    Attributes:
        labels: a column per head that it has.
        confidences: the same columns, each the probability of the label; None where nobody asks.
        milliseconds: per clip, the median over `clips` of them; None where it was not measured.
        clips: how many were timed.
        learned: head -> the classes that it knows; None where nobody asks.
    """

    labels: pd.DataFrame
    confidences: pd.DataFrame | None = None
    milliseconds: float | None = None
    clips: int = 0
    learned: dict[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Check:
    """One of the things that are asked of a challenger."""

    name: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Verdict:
    """A decision with what it rests on.

    Attributes:
        promoted: whether the challenger becomes champion.
        reason: one sentence.
        figures: challenger's and rival's metric, gain with its interval, number of tracks, calibration, speed.
        checks: what was asked, and the answers.
        classes: rows of head, class, tracks, challenger, rival (F1 each), change.
        confusions: head -> names, and a matrix of counts for each of challenger and rival, rows actual.
    """

    promoted: bool
    reason: str
    figures: dict[str, Any] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    classes: tuple[dict[str, Any], ...] = ()
    confusions: dict[str, dict[str, Any]] = field(default_factory=dict)


def judge_first(
    truth: pd.DataFrame, challenger: Answers, majority: dict[str, str], groups: NDArray[Any], params: PromoteParams
) -> Verdict:
    """Judge a model while there is no champion: it must beat the majority class, and be calibrated.

    Args:
        truth: labels of the test tracks, a column per head; NaN where missing.
        challenger: its answers for the same tracks.
        majority: head -> the most frequent class among the training tracks.
        groups: the split's group of each track.
        params: section `promote`.
    """
    rival = Answers(pd.DataFrame({head: [majority[head]] * len(truth) for head in params.primary}))
    return _judge(truth, challenger, rival, groups, params, "the majority class", params.min_first_gain)


def judge_against(
    truth: pd.DataFrame, challenger: Answers, champion: Answers, groups: NDArray[Any], params: PromoteParams
) -> Verdict:
    """Judge a challenger against the champion, both on the same test tracks; arguments as for `judge_first`.

    A label or a whole head that the champion never learned counts against it: on today's catalogue it is wrong there.
    How much of the gain comes from those, the figures say.
    """
    return _judge(truth, challenger, champion, groups, params, "the champion", params.min_gain)


def _judge(
    truth: pd.DataFrame,
    challenger: Answers,
    rival: Answers,
    groups: NDArray[Any],
    params: PromoteParams,
    rival_name: str,
    least: float,
) -> Verdict:
    for head in params.primary:
        if head not in challenger.labels:
            return Verdict(False, f"the model has no head {head!r}, which promote.primary asks for")
        if not truth[head].notna().any():
            return Verdict(False, f"no test track has a label of {head!r}, which promote.primary asks for")
    figures, gained = _gain(truth, challenger, rival, groups, params, rival_name, least)
    classes = class_rows(truth, challenger.labels, rival.labels, params.primary)
    checks = [gained, _calibration(truth, challenger, params, figures)]
    if rival_name == "the champion":
        checks += [_class_losses(classes, params), _speed(challenger, rival, params, figures)]
    figures["clip_milliseconds"], figures["clips_timed"] = challenger.milliseconds, challenger.clips
    failed = [check for check in checks if not check.passed]
    reason = "; ".join(check.says for check in (failed or [gained]))
    confusions = {head: confusion(truth, challenger.labels, rival.labels, head) for head in params.primary}
    return Verdict(not failed, reason, figures, tuple(checks), tuple(classes), confusions)


def _gain(
    truth: pd.DataFrame,
    challenger: Answers,
    rival: Answers,
    groups: NDArray[Any],
    params: PromoteParams,
    rival_name: str,
    least: float,
) -> tuple[dict[str, Any], Check]:
    pairs = [_codes(truth[head], challenger.labels[head], rival.labels.get(head)) for head in params.primary]

    def mean_f1(rows: NDArray[np.int64], guess: int) -> float:
        return float(np.mean([_known_f1(codes[0][rows], codes[guess][rows]) for codes in pairs]))

    everything = np.arange(len(truth))
    samples = resamples(groups, params.bootstrap_resamples)
    gain = interval(lambda rows: mean_f1(rows, 1) - mean_f1(rows, 2), samples, len(truth), params.confidence)
    figures: dict[str, Any] = {
        "metric": f"mean macro F1 of {', '.join(params.primary)}",
        "tracks": len(truth),
        "groups": len(np.unique(groups)),
        "resamples": params.bootstrap_resamples,
        "confidence": params.confidence,
        "challenger": mean_f1(everything, 1),
        "rival": mean_f1(everything, 2),
        "rival_name": rival_name,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "min_gain": least,
    }
    passed = gain.low > least
    says = (
        f"mean macro F1 {figures['challenger']:.3f} against {figures['rival']:.3f} of {rival_name}: "
        f"gain {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] on {len(truth)} test tracks, "
        f"the lower bound is {'above' if passed else 'not above'} {least:g}"
    )
    if challenger.learned is not None and rival.learned is not None:
        figures["labels"] = label_changes(truth, challenger.learned, rival.learned, params.primary)
        shared = shared_rows(truth, rival.learned, params.primary)
        figures["shared_tracks"] = len(shared)
        figures["shared_gain"] = mean_f1(shared, 1) - mean_f1(shared, 2) if len(shared) else None
        says += _about_labels(figures)
    return figures, Check("gain", passed, says)


def _about_labels(figures: dict[str, Any]) -> str:
    """Say on how many test tracks the champion could not be right, as it never learned their labels."""
    strange = figures["tracks"] - figures["shared_tracks"]
    if not strange:
        return ""
    names = sorted({name for changes in figures["labels"].values() for name in changes["never_learned"]})
    shown = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
    gain = figures["shared_gain"]
    rest = "there are no others" if gain is None else f"on the others the gain is {gain:+.3f}"
    return f"; {strange} of the tracks have labels that the champion never learned ({shown}), {rest}"


def _calibration(truth: pd.DataFrame, challenger: Answers, params: PromoteParams, figures: dict[str, Any]) -> Check:
    """Ask that confidences mean what they say, head by head."""
    if challenger.confidences is None:
        return Check("calibration", True, "calibration was not asked about")
    errors = {}
    for head in params.primary:
        known = truth[head].notna().to_numpy()
        confidence = challenger.confidences[head].to_numpy(np.float32)[known]
        wrong = (challenger.labels[head].to_numpy() != truth[head].to_numpy())[known].astype(np.int64)
        # the label against all others: only the highest probability enters the error
        errors[head] = expected_calibration_error(wrong, np.column_stack([confidence, np.zeros_like(confidence)]))
    figures["ece"] = errors
    worst = max(errors, key=errors.__getitem__)
    passed = errors[worst] <= params.max_ece
    return Check(
        "calibration",
        passed,
        f"the calibration error (ECE) of {worst} is {errors[worst]:.3f}, "
        f"{'within' if passed else 'above'} {params.max_ece:g}",
    )


def _class_losses(classes: Sequence[dict[str, Any]], params: PromoteParams) -> Check:
    """Ask that no class that is common enough to tell loses much."""
    told = [row for row in classes if row["tracks"] >= LEAST_CLASS_TRACKS]
    lost = [row for row in told if row["change"] < -params.max_class_loss]
    if lost:
        named = ", ".join(
            f"{row['class']} ({row['head']}) {row['rival']:.2f} to {row['challenger']:.2f}" for row in lost
        )
        return Check("classes", False, f"the F1 of a class fell by more than {params.max_class_loss:g}: {named}")
    says = (
        f"none of {len(told)} classes with {LEAST_CLASS_TRACKS} test tracks or more lost over {params.max_class_loss:g}"
    )
    return Check("classes", True, says)


def _speed(challenger: Answers, rival: Answers, params: PromoteParams, figures: dict[str, Any]) -> Check:
    """Ask that the challenger is not much slower; both were timed on the same clips in turn."""
    if challenger.milliseconds is None or rival.milliseconds is None:
        return Check("speed", True, "not timed: no audio of the test tracks is here")
    ratio = challenger.milliseconds / rival.milliseconds
    figures |= {"rival_clip_milliseconds": rival.milliseconds, "slowdown": ratio}
    passed = ratio <= params.max_slowdown
    return Check(
        "speed",
        passed,
        f"{challenger.milliseconds:.1f} ms per clip against {rival.milliseconds:.1f} "
        f"(median of {challenger.clips} clips): {ratio:.2f} times, "
        f"{'within' if passed else 'above'} {params.max_slowdown:g}",
    )


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
