"""Figures that others published, beside the rows of the same data set. Read before comparing: the metrics differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.quality.data import Collection

ARTIST20_ARTISTS, ARTIST20_ALBUMS = 20, 6  # of each artist; 1,413 tracks


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes:
        who: method and source.
        split: as the source divides the data.
        head: what was told apart.
        metric: as the source counts.
        value: of the metric.
    """

    who: str
    split: str
    head: str
    metric: str
    value: float


CRNN = "artist CRNN, arXiv 1901.04555"
ARTIST20 = (
    Figure(f"{CRNN}, 3 s", "by song (as our random)", "artist", "weighted F1, tracks by vote, mean of 3", 0.937),
    Figure(f"{CRNN}, 6 s", "by album", "artist", "weighted F1, tracks by vote, mean of 3", 0.677),
    Figure(f"{CRNN}, 30 s", "by album", "artist", "weighted F1, windows, mean of 3", 0.603),
)
FMA = {
    "fma small": (
        Figure("MFCC + SVM", "official", "genre", "accuracy", 0.464),
        Figure("CNNs", "official", "genre", "accuracy", 0.53),
        Figure("BYOL-A + DNN", "official", "genre", "accuracy", 0.643),
    ),
    "fma medium": (Figure("hand-made features + SVM, arXiv 1612.01840", "official", "genre", "accuracy", 0.634),),
}


def published_figures(collection: Collection) -> tuple[Figure, ...]:
    """Return what was published on this very data set: FMA, or one of artist20's shape."""
    tracks = collection.tracks
    albums = tracks.groupby("artist")["album"].nunique()
    if len(albums) == ARTIST20_ARTISTS and (albums == ARTIST20_ALBUMS).all():
        return ARTIST20
    return FMA.get(collection.name, ())
