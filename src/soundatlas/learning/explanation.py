"""Why a model says what it says: what each window says, what it would miss most, and what it has learnt from.

Pure functions over arrays; the model is any function from windows to logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Logits = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]

WINDOWS_AT_ONCE = 256


@dataclass(frozen=True)
class Patches:
    """A grid over a spectrogram: where each patch begins, and where the last one ends.

    Attributes:
        frames: shape (patches in time + 1,), in frames.
        bands: shape (patches in frequency + 1,), in mel bands.
    """

    frames: NDArray[np.int64]
    bands: NDArray[np.int64]

    @classmethod
    def over(cls, log_mel: NDArray[np.float32], patch_frames: int, patch_bands: int) -> Patches:
        """Lay a grid of equal patches over a spectrogram; the last ones take what is left, if less than half."""
        return cls(
            *(_edges(size, step) for size, step in zip(log_mel.shape[:2], (patch_frames, patch_bands), strict=True))
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Patches in time and in frequency."""
        return len(self.frames) - 1, len(self.bands) - 1


def _edges(size: int, step: int) -> NDArray[np.int64]:
    """Cut `size` into pieces as near to `step` as whole pieces allow."""
    return np.linspace(0, size, max(1, round(size / step)) + 1).round().astype(np.int64)


def window_probabilities(logits: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    """Return head -> probability of each class in each window, shape (windows, classes)."""
    return {head: np.exp(log_softmax(values.astype(np.float64), axis=1)) for head, values in logits.items()}


def most_telling_stretch(support: NDArray[np.float64], starts: NDArray[np.int64], frames: int, most: int) -> int:
    """Return the first frame of the stretch whose windows support the prediction most.

    Args:
        support: of each window, e.g. the mean probability of the predicted classes, shape (windows,).
        starts: first frame of each window, ascending.
        frames: length of the track.
        most: length of the stretch; a track that is no longer is one stretch.
    """
    if frames <= most:
        return 0
    candidates = starts[starts + most <= frames]
    means = [support[(starts >= first) & (starts < first + most)].mean() for first in candidates]
    return int(candidates[int(np.argmax(means))])


def occlusion(
    log_mel: NDArray[np.float32],
    windows: NDArray[np.float32],
    starts: NDArray[np.int64],
    logits: Logits,
    classes: Mapping[str, int],
    patches: Patches,
    advance: Callable[[int], None] = lambda _steps: None,
) -> dict[str, NDArray[np.float64]]:
    """Return how much less likely the predicted class becomes when a patch of the sound is flattened.

    After Zeiler & Fergus (ECCV 2014). A patch is filled with the mean level of itself and the patches around it: what
    happens in it is gone, and its loudness is nearly what it was. The drop of the class's log-probability is averaged
    over the windows that hear the patch.

    Args:
        log_mel: shape (frames, n_mels), dB; with stems, and their channels, which are flattened together.
        windows: cut from it, shape (windows, window_frames, n_mels).
        starts: first frame of each window; a track shorter than a window fills it by going round.
        logits: the model: from windows to head -> shape (windows, classes).
        classes: head -> index of the class to explain.
        patches: the grid.
        advance: called with the number of windows that were just judged.

    Returns:
        head -> natural logarithms, shape `patches.shape`: positive where the sound speaks for the class, negative
        where it speaks against.
    """
    frame_of = (starts[:, None] + np.arange(windows.shape[1])) % len(log_mel)
    jobs = [
        (row, column, window)
        for row in range(patches.shape[0])
        for window in np.flatnonzero(
            ((frame_of >= patches.frames[row]) & (frame_of < patches.frames[row + 1])).any(axis=1)
        )
        for column in range(patches.shape[1])
    ]
    before = _class_log_probabilities(logits(windows), classes)
    sums = {head: np.zeros(patches.shape) for head in classes}
    counts = np.zeros(patches.shape)
    levels = _surrounding_levels(log_mel, patches)
    for first in range(0, len(jobs), WINDOWS_AT_ONCE):
        rows, columns, heard = np.array(jobs[first : first + WINDOWS_AT_ONCE]).T
        altered = windows[heard]
        for place, (row, column, window) in enumerate(zip(rows, columns, heard, strict=True)):
            inside = (frame_of[window] >= patches.frames[row]) & (frame_of[window] < patches.frames[row + 1])
            altered[place, inside, patches.bands[column] : patches.bands[column + 1]] = levels[row, column]
        after = _class_log_probabilities(logits(altered), classes)
        np.add.at(counts, (rows, columns), 1)
        for head, drop in sums.items():
            np.add.at(drop, (rows, columns), before[head][heard] - after[head])
        advance(len(rows))
    return {head: drop / np.maximum(counts, 1) for head, drop in sums.items()}


def occluded_windows(starts: NDArray[np.int64], window_frames: int, patches: Patches) -> int:
    """Return about how many windows `occlusion` judges, for a progress bar."""
    spans = [
        np.count_nonzero((starts < end) & (starts + window_frames > begin))
        for begin, end in zip(patches.frames[:-1], patches.frames[1:], strict=True)
    ]
    return int(sum(spans)) * patches.shape[1]


def _class_log_probabilities(
    logits: Mapping[str, NDArray[np.float32]], classes: Mapping[str, int]
) -> dict[str, NDArray[np.float64]]:
    """Return head -> log-probability of its class in each window."""
    return {head: log_softmax(logits[head].astype(np.float64), axis=1)[:, index] for head, index in classes.items()}


def _surrounding_levels(log_mel: NDArray[np.float32], patches: Patches) -> NDArray[np.float32]:
    """Return the mean level of each patch with its neighbours, dB, shape `patches.shape`; of each channel its own."""
    sums = np.add.reduceat(np.add.reduceat(log_mel, patches.frames[:-1], 0), patches.bands[:-1], 1)
    sizes = np.diff(patches.frames)[:, None] * np.diff(patches.bands)
    level = np.empty(patches.shape + log_mel.shape[2:], dtype=np.float32)
    for row, column in np.ndindex(patches.shape):
        around = slice(max(0, row - 1), row + 2), slice(max(0, column - 1), column + 2)
        level[row, column] = sums[around].sum(axis=(0, 1)) / sizes[around].sum()
    return level


def nearest(embedding: NDArray[np.float32], others: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
    """Return the embeddings that point most nearly the same way from the middle of them all.

    What all tracks have in common is taken out first: without that, all similarities are near 1.

    Args:
        embedding: shape (embedding,).
        others: shape (tracks, embedding).
        count: how many at most.

    Returns:
        position and cosine similarity (-1 to 1), the most similar first.
    """
    middle = others.mean(axis=0)
    mine, theirs = embedding - middle, others - middle
    lengths = np.linalg.norm(theirs, axis=1) * np.linalg.norm(mine)
    similarity = theirs @ mine / np.maximum(lengths, np.finfo(np.float32).tiny)
    order = np.argsort(-similarity, kind="stable")[:count]
    return [(int(position), float(similarity[position])) for position in order]
