"""Near-duplicates: pairs of tracks that hold the same recording though their bytes differ.

Whether two tracks are a pair depends on these two alone: pairs come with new tracks and never go because of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from soundatlas.audio.fingerprint import Layout, bit_error_rate, fingerprint, hashes, level_correlation
from soundatlas.tables import DUPLICATES, conform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from soundatlas.audio.fingerprint import Fingerprint
    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.store.reading import SpectrogramStore

FEWEST_VOTES = 4  # hashes that agree on an offset before bits are compared
MOST_REPEATS = 8  # of one hash in one track: a loop must not fill the index
MOST_OFFSETS = 3  # that are compared per pair, best voted first
NEARBY = (0, 1, -1)  # frames around the voted offset: a copy may be cut between two frames
# Measured on ten scores played by ten ensembles, and clips through 16 codecs, rates and cuts: copies of a recording
# reach 0.965 and more, the same notes by another ensemble (guitar and piano are the closest) at most 0.923.
LEAST_LEVEL_CORRELATION = 0.945
MATCHES_AT_ONCE = 10_000_000


@dataclass(frozen=True)
class _Index:
    """All hashes of all tracks, in order of hash, then track, then frame.

    Attributes:
        track: position of the track, shape (hashes,).
        frame: frame in that track.
        start: where in the index the hash's first entry is.
    """

    track: NDArray[np.int64]
    frame: NDArray[np.int64]
    start: NDArray[np.int64]


def find_near_duplicates(
    tracks: pd.DataFrame,
    store: SpectrogramStore,
    front_end: FrontEnd,
    *,
    max_bit_error_rate: float,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Find the pairs of tracks that hold the same recording.

    Candidates share hashes at one offset, and are confirmed by comparing their bits, then their levels, over 5 s. No
    pair of tracks is looked at that shares no hash, so that ten thousand clips take about a minute.

    Args:
        tracks: rows of `tables.TRACKS`; those without a spectrogram are in no pair, and of tracks with the same bytes
            the first stands for all.
        store: their spectrograms.
        front_end: that made them.
        max_bit_error_rate: up to which two recordings count as one.
        advance: called after each fingerprint.

    Returns:
        `tables.DUPLICATES`, ordered by the two track ids. Empty where the front end has too few mel bands to tell
        recordings apart (`Layout.bits` is 0).
    """
    layout = Layout.of(front_end)
    named = tracks.sort_values("track_id").drop_duplicates("audio_sha256")
    comparable = [pair for pair in zip(named["track_id"], named["audio_sha256"], strict=True) if pair[1] in store]
    names, shas = [name for name, _ in comparable], [sha for _, sha in comparable]
    prints = []
    for sha in shas if layout.bits else []:
        prints.append(fingerprint(store.log_mel(sha), layout))
        advance()
    rows = []
    for (later, earlier), offsets in _candidates(prints, layout):
        rate, offset = min(
            (bit_error_rate(prints[earlier], prints[later], offset + step, layout), offset + step)
            for offset in offsets
            for step in NEARBY
        )
        if rate > max_bit_error_rate:
            continue
        alike = level_correlation(store.log_mel(shas[earlier]), store.log_mel(shas[later]), offset, layout)
        if alike >= LEAST_LEVEL_CORRELATION:
            rows.append((names[earlier], names[later], rate, offset * layout.frame_seconds))
    table = conform(pd.DataFrame(rows, columns=[*DUPLICATES]), DUPLICATES)
    return table.sort_values(["track_id", "other_track_id"], ignore_index=True)


def _candidates(prints: list[Fingerprint], layout: Layout) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Yield pairs of positions, the later first, with the offsets that most hashes speak for."""
    index = _index(prints, layout)
    frames = max((len(one.rising) for one in prints), default=0)
    for entries in _portions(index, len(prints)):
        pair, offset = _matches(index, entries, len(prints))
        key, votes = np.unique(pair * (2 * frames + 1) + offset + frames, return_counts=True)
        with_next = np.append(votes[:-1] + votes[1:] * (np.diff(key) == 1), votes[-1:])  # a cut between two frames
        chosen = np.flatnonzero(with_next >= FEWEST_VOTES)
        found: defaultdict[int, list[int]] = defaultdict(list)
        for place in chosen[np.argsort(-with_next[chosen], kind="stable")]:
            number, shifted = divmod(int(key[place]), 2 * frames + 1)
            if len(found[number]) < MOST_OFFSETS:
                found[number].append(shifted - frames)
        for number, offsets in found.items():
            yield divmod(number, len(prints)), offsets


def _index(prints: list[Fingerprint], layout: Layout) -> _Index:
    """Collect and sort the hashes of all tracks."""
    values, tracks, frames = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for position, one in enumerate(prints):
        value, frame = hashes(one, layout)
        order = np.argsort(value, kind="stable")
        value, frame = value[order], frame[order]
        kept = np.arange(len(value)) - np.searchsorted(value, value) < MOST_REPEATS
        values.append(value[kept])
        frames.append(frame[kept])
        tracks.append(np.full(int(kept.sum()), position))
    value = np.concatenate(values)
    order = np.argsort(value, kind="stable")  # within a hash, tracks stay in their order
    value = value[order]
    return _Index(np.concatenate(tracks)[order], np.concatenate(frames)[order], np.searchsorted(value, value))


def _portions(index: _Index, tracks: int) -> Iterator[NDArray[np.int64]]:
    """Yield the entries of runs of tracks, each run with a bounded number of matches among earlier tracks."""
    order = np.argsort(index.track, kind="stable")
    matches = np.cumsum(np.arange(len(order))[order] - index.start[order])
    ends = np.searchsorted(index.track[order], np.arange(tracks), side="right")
    first = 0
    while first < len(order):
        before = matches[first - 1] if first else 0
        whole = ends[np.searchsorted(matches[ends - 1], before + MATCHES_AT_ONCE, side="right") - 1 :]
        last = int(next(end for end in whole if end > first))
        yield order[first:last]
        first = last


def _matches(index: _Index, entries: NDArray[np.int64], tracks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pair and offset of every earlier entry with the same hash, of another track.

    Returns:
        later position * tracks + earlier position, and the frame of the earlier track that meets frame 0 of the later.
    """
    counts = entries - index.start[entries]
    mine = np.repeat(entries, counts)
    theirs = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts) + index.start[mine]
    apart = index.track[mine] != index.track[theirs]
    mine, theirs = mine[apart], theirs[apart]
    return index.track[mine] * tracks + index.track[theirs], index.frame[theirs] - index.frame[mine]
