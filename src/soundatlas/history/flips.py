"""What flipped when another model became champion: two predictions for the same audio, side by side."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.history.answers import CLASSIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLIPS = ("path", "audio_sha256", "head", "before", "after", "confidence_before", "confidence_after")
UNKNOWN = "unknown"
PSEUDO_TRACKS = 0.5  # added to each class, so that one that nobody or everybody is in has a share above 0


def population_stability_index(before: Sequence[str], after: Sequence[str]) -> float:
    """Return how far the distribution of labels has moved: 0 is not at all.

    PSI = sum over classes of (a - b) * ln(a / b), with b and a the class's share before and after (N. Siddiqi, Credit
    Risk Scorecards, Wiley 2006, where below 0.1 is read as stable and above 0.25 as a major shift). It is the symmetric
    Kullback-Leibler divergence. An empty class would make it infinite: half a track is added to each class that occurs
    before or after (Jeffreys' prior), so that in a small inbox one track in a new class is no alarm.

    Args:
        before: labels before.
        after: labels after; their number need not be the same.
    """
    counts = Counter(before), Counter(after)
    classes = sorted(counts[0] | counts[1])
    totals = [count.total() + PSEUDO_TRACKS * len(classes) for count in counts]
    index = 0.0
    for name in classes:
        b, a = ((count[name] + PSEUDO_TRACKS) / total for count, total in zip(counts, totals, strict=True))
        index += (a - b) * math.log(a / b)
    return index


def label_of(row: Mapping[Any, Any], head: str) -> str | None:
    """Return what a prediction's row says for a head: a class, "unknown", or None where it says nothing."""
    label = row.get(head)
    if row.get("status") != CLASSIFIED or not isinstance(label, str):
        return None
    return label if row.get(f"{head}_known", True) else UNKNOWN


def heads_of(table: pd.DataFrame) -> list[str]:
    """Return the heads of a table of predictions: the columns that have a confidence beside them."""
    return [column for column in table.columns if f"{column}_confidence" in table.columns]


def compare_predictions(
    before: Mapping[str, Mapping[str, Any]], after: pd.DataFrame, max_psi: float
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Compare the predictions of a champion with those of the one before, file by file.

    Args:
        before: audio SHA-256 -> row of the earlier champion's prediction.
        after: the champion's predictions, as `data/predictions/` has them.
        max_psi: a head whose population stability index is above this has drifted.

    Returns:
        the report, JSON-like: how many files were compared, and per head how many flipped, the mean confidence before
        and after, the index, and the confusion old -> new; and a row per file and head that flipped, with `FLIPS`.
    """
    rows = after.to_dict("records")
    known = [(before[row["audio_sha256"]], row) for row in rows if row["audio_sha256"] in before]
    flips: list[dict[str, Any]] = []
    heads = {}
    for head in heads_of(after):
        pairs = [
            (old, new, label_of(old, head), label_of(new, head))
            for old, new in known
            if label_of(old, head) is not None and label_of(new, head) is not None
        ]
        flipped = [
            {
                **dict(zip(FLIPS, (new["path"], new["audio_sha256"], head, was, now), strict=False)),
                "confidence_before": old[f"{head}_confidence"],
                "confidence_after": new[f"{head}_confidence"],
            }
            for old, new, was, now in pairs
            if was != now
        ]
        flips += flipped
        if pairs:
            heads[head] = _head(head, pairs, len(flipped), max_psi)
    counts = {
        "files": len(rows),
        "compared": sum(_is_classified(old) and _is_classified(new) for old, new in known),
        "new": len(rows) - len(known),
        "no_longer_classified": sum(_is_classified(old) and not _is_classified(new) for old, new in known),
        "now_classified": sum(_is_classified(new) and not _is_classified(old) for old, new in known),
    }
    drifted = sorted(head for head, figures in heads.items() if figures["drifted"])
    return {**counts, "heads": heads, "max_psi": max_psi, "drifted": drifted}, pd.DataFrame(flips, columns=[*FLIPS])


def _is_classified(row: Mapping[Any, Any]) -> bool:
    return bool(row["status"] == CLASSIFIED)


def _head(head: str, pairs: list[tuple[Any, Any, Any, Any]], flipped: int, max_psi: float) -> dict[str, Any]:
    confusion = Counter((was, now) for _, _, was, now in pairs)
    psi = population_stability_index([was for _, _, was, _ in pairs], [now for _, _, _, now in pairs])
    return {
        "compared": len(pairs),
        "flipped": flipped,
        "mean_confidence_before": sum(float(old[f"{head}_confidence"]) for old, *_ in pairs) / len(pairs),
        "mean_confidence_after": sum(float(new[f"{head}_confidence"]) for _, new, *_ in pairs) / len(pairs),
        "psi": psi,
        "drifted": psi > max_psi,
        "confusion": [
            {"before": was, "after": now, "files": count}
            for (was, now), count in sorted(confusion.items(), key=lambda item: (-item[1], item[0]))
        ],
    }
