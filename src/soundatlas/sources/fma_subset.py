"""FMA's subsets: which tracks are in them, how their files are called, and which of these are known to be bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    import pandas as pd

# The values of the metadata's column `subset` that a subset takes in; None is every track, whatever the column says.
SUBSETS: dict[str, tuple[str, ...] | None] = {
    "small": ("small",),
    "medium": ("small", "medium"),
    "large": None,
    "full": None,  # the tracks of `large` in their whole length
}
WHOLE_LENGTH = "full"
CLIP_SECONDS = 30.0
MIN_CLIP_SECONDS = 2.0  # what is left of a clip below this is no music to learn from

# The archive overstated the length of some recordings, so that "the middle" of them was cut behind their end. Their
# whole recordings, in `full`, are sound. Source: the data set's list of known faults.
SCRAPS = {98565: 1.6, 98567: 0.5, 98569: 1.5}  # seconds
SOUNDLESS = frozenset(
    {1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571, 99134, 105247, 108925, 126981, 127336, 133297, 143992}
)
DAMAGED = frozenset({80015, 115235, 117759})  # in whatever length


def in_subset(rows: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Return the rows of a subset, by number."""
    values = SUBSETS[subset]
    chosen = rows if values is None else rows[rows["subset"].isin(values)]
    return chosen.sort_index()


def audio_name(number: int, subset: str) -> str:
    """Return where a track's file lies, as in the archives: `fma_small/000/000002.mp3`."""
    return f"fma_{subset}/{number // 1000:03d}/{number:06d}.mp3"


def known_fault(number: int, subset: str) -> TrackError | None:
    """Return why a track is known to be unusable, or None."""
    if number in DAMAGED:
        return TrackError("damaged", "known to be damaged as FMA distributes it")
    if subset == WHOLE_LENGTH:
        return None
    if number in SCRAPS:
        return TrackError("too_short", f"known: {SCRAPS[number]} s of sound where FMA's clips have {CLIP_SECONDS:g} s")
    if number in SOUNDLESS:
        return TrackError("no_samples", "known: the clip holds no sound, it was cut behind the recording's end")
    return None
