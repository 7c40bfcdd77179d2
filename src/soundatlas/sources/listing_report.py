"""What a listing comes to: labels present per column, and failures by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.sources.rows import ABOUT
from soundatlas.tables import REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundatlas.sources.base import Listing

MOST_EXAMPLES = 3


def labels_present(listings: Sequence[Listing], wanted: Sequence[str]) -> list[str]:
    """Return a line per label: how many of the tracks have it; those that training asks for come first, also absent.

    Args:
        listings: of all sources that were asked.
        wanted: `train.classes` and `train.attributes`.
    """
    tracks = pd.concat([listing.tracks for listing in listings])
    if tracks.empty:
        return []
    present = tracks.drop(columns=[*ABOUT], errors="ignore").notna().sum()
    further = sorted(str(name) for name, count in present.items() if count and name not in wanted)
    return [
        f"{name}: {present.get(name, 0)} of {len(tracks)}{' (train asks for it)' if name in wanted else ''}"
        for name in [*wanted, *further]
    ]


def failure_lines(failures: pd.DataFrame) -> list[str]:
    """Return a line per reason, most frequent first: how often, what it means, and some examples."""
    lines = []
    for reason, count in failures["reason"].value_counts().items():
        lines.append(f"{count} {reason}: {REASONS.get(str(reason), '')}")
        rows = failures[failures["reason"] == reason].sort_values("path").head(MOST_EXAMPLES)
        lines += [f"    {path}: {message}" for path, message in rows[["path", "message"]].itertuples(index=False)]
        if count > len(rows):
            lines.append(f"    and {count - len(rows)} more")
    return lines
