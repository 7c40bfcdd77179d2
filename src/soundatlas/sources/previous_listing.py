"""What a listing that met a quota takes over from the one before it: a pause of the service takes no track away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.sources.base import SAME_AS
from soundatlas.tables import LABELS, TRACKS, conform

if TYPE_CHECKING:
    from soundatlas.sources.base import Listing


def take_over(listing: Listing, previous: Listing | None) -> Listing:
    """Return a listing that ended at a quota with the tracks of the previous one that it lacks, and their labels.

    A listing that is whole is returned as it is: what it lacks is gone. Failures are those of the new listing alone,
    since an input that failed before may be a track now.

    Args:
        listing: that a source gave now.
        previous: of the same source and configuration; None where there was none.
    """
    if listing.resume_after is None or previous is None:
        return listing
    known = previous.tracks["track_id"].isin(listing.tracks["track_id"])
    if SAME_AS in previous.tracks and SAME_AS in listing.tracks:
        known |= previous.tracks[SAME_AS].isin(listing.tracks[SAME_AS])
    kept = previous.tracks[~known]
    if kept.empty:
        return listing
    labels = previous.labels[previous.labels["track_id"].isin(kept["track_id"])]
    return replace(
        listing,
        tracks=conform(pd.concat([listing.tracks, kept]), TRACKS, extra=True),
        labels=conform(pd.concat([listing.labels, labels]), LABELS),
        notes=[*listing.notes, f"{len(kept)} tracks are those of the last listing, until they can be asked for again"],
    )
