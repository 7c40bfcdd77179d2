"""The tables behind a verdict: F1 per class of both models, who was taken for whom, labels that one never learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

NOTHING = "(no answer)"  # of a model that lacks the head


def class_rows(
    truth: pd.DataFrame, challenger: pd.DataFrame, rival: pd.DataFrame, heads: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row per class that a test track has: head, class, tracks, both F1, and the change.

    Args:
        truth: labels of the test tracks, a column per head; NaN where missing.
        challenger: its labels for the same tracks.
        rival: the other's; a head that it lacks is never right.
        heads: to look at.
    """
    rows = []
    for head in heads:
        actual, ours, theirs = _known(truth, challenger, rival, head)
        for name in sorted(actual.unique()):
            mine, others = _f1(actual, ours, name), _f1(actual, theirs, name)
            row = {"head": head, "class": str(name), "tracks": int((actual == name).sum())}
            rows.append(row | {"challenger": mine, "rival": others, "change": mine - others})
    return rows


def confusion(truth: pd.DataFrame, challenger: pd.DataFrame, rival: pd.DataFrame, head: str) -> dict[str, Any]:
    """Return the names, and how often each was taken for each by both: rows actual, columns predicted."""
    actual, ours, theirs = _known(truth, challenger, rival, head)
    names = sorted({*actual, *ours, *theirs})
    counts = {
        who: pd.crosstab(actual, said).reindex(index=names, columns=names, fill_value=0).to_numpy().tolist()
        for who, said in (("challenger", ours), ("rival", theirs))
    }
    return {"names": names, **counts}


def label_changes(
    truth: pd.DataFrame,
    learned: Mapping[str, Sequence[str]],
    rival_learned: Mapping[str, Sequence[str]],
    heads: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return head -> what differs between the label sets of two models; heads without a difference are left out.

    Args:
        truth: labels of the test tracks.
        learned: head -> the challenger's classes.
        rival_learned: the same of the rival, who may lack a head.
        heads: to look at.

    Returns:
        `never_learned`: label of the test -> its tracks, where the rival never learned it; `new` and `gone`: classes
        that only the challenger, and only the rival learned.
    """
    changes = {}
    for head in heads:
        ours, theirs = set(learned.get(head, ())), set(rival_learned.get(head, ()))
        counts = truth[head].value_counts().sort_index()
        unknown = {str(name): int(count) for name, count in counts.items() if name not in theirs}
        if unknown or ours != theirs:
            changes[head] = {"never_learned": unknown, "new": sorted(ours - theirs), "gone": sorted(theirs - ours)}
    return changes


def shared_rows(truth: pd.DataFrame, rival_learned: Mapping[str, Sequence[str]], heads: Sequence[str]) -> NDArray[Any]:
    """Return the positions of the test tracks all of whose labels the rival has learned."""
    shared = np.ones(len(truth), dtype=bool)
    for head in heads:
        shared &= (truth[head].isna() | truth[head].isin(list(rival_learned.get(head, ())))).to_numpy()
    return np.flatnonzero(shared)


def _known(
    truth: pd.DataFrame, challenger: pd.DataFrame, rival: pd.DataFrame, head: str
) -> tuple[pd.Series[str], pd.Series[str], pd.Series[str]]:
    known = truth[head].notna().to_numpy()
    nothing = pd.Series([NOTHING] * len(truth))
    columns = (truth[head], challenger[head], rival.get(head, nothing))
    actual, ours, theirs = (column.reset_index(drop=True)[known].reset_index(drop=True) for column in columns)
    return actual, ours, theirs


def _f1(actual: pd.Series[str], said: pd.Series[str], name: str) -> float:
    hits = float(((actual == name) & (said == name)).sum())
    there, given = float((actual == name).sum()), float((said == name).sum())
    return 2 * hits / (there + given)
