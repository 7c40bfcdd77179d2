"""Why a model says what it says: what each window says, what it would miss most, and what it has learnt from.

Pure functions over arrays; the model is any function from spectrograms to logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    LogMels = Mapping[str, NDArray[np.float32]]  # part of a model -> shape (frames, n_mels), dB; with stems, channels
    Model = Callable[[LogMels], Mapping[str, NDArray[Any]]]
    Logits = Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]]  # of each window


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
    def over(cls, frames: range, n_mels: int, patch_frames: int, patch_bands: int) -> Patches:
        """Lay a grid of equal patches over a stretch of a spectrogram, as near to their size as whole patches allow."""
        return cls(frames.start + _edges(len(frames), patch_frames), _edges(n_mels, patch_bands))

    @property
    def shape(self) -> tuple[int, int]:
        """Patches in time and in frequency."""
        return len(self.frames) - 1, len(self.bands) - 1

    def cells(self, patch: tuple[int, ...], around: int = 0) -> tuple[slice, slice]:
        """Return the frames and bands of a patch, with as many patches around it."""
        first, last = np.maximum(np.array(patch) - around, 0), np.minimum(np.array(patch) + around + 1, self.shape)
        return slice(*self.frames[[first[0], last[0]]]), slice(*self.bands[[first[1], last[1]]])


def _edges(size: int, step: int) -> NDArray[np.int64]:
    """Cut `size` into pieces as near to `step` as whole pieces allow."""
    return np.linspace(0, size, max(1, round(size / step)) + 1).round().astype(np.int64)


class Rehearing:
    """Says what each window of a track means, again and again: windows that are as they were at first are not run.

    Args:
        logits: from windows, shape (windows, window_frames, n_mels), to head -> shape (windows, classes).
    """

    def __init__(self, logits: Logits) -> None:
        self._logits = logits
        self._first: tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]] | None = None

    def __call__(self, windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return head -> logits of each window of a version of the track; all versions have as many windows."""
        if self._first is None:
            self._first = windows, self._logits(windows)
        heard, said = self._first
        others = np.flatnonzero((windows != heard).any(axis=tuple(range(1, windows.ndim))))
        if not len(others):
            return said
        said = {head: rows.copy() for head, rows in said.items()}
        for head, rows in self._logits(windows[others]).items():
            said[head][others] = rows
        return said


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
    log_mels: LogMels,
    grids: Mapping[str, Patches],
    logits: Model,
    classes: Mapping[str, int],
    advance: Callable[[int], None] = lambda _steps: None,
) -> dict[str, NDArray[np.float64]]:
    """Return how much less likely the predicted class becomes when a patch of the sound is flattened.

    After Zeiler & Fergus (ECCV 2014): the model hears the whole track once more for every patch.

    Args:
        log_mels: part of the model -> the track's spectrogram.
        grids: part -> the same patches of the sound, in the frames and bands of that spectrogram.
        logits: the model: from such spectrograms to head -> shape (classes,).
        classes: head -> index of the class to explain.
        advance: called with the number of patches that were just judged.

    Returns:
        head -> natural logarithms, one for each patch: positive where the sound speaks for the class, negative where
        it speaks against.
    """
    shape = next(iter(grids.values())).shape
    before = _log_probabilities(logits(log_mels), classes)
    drops = {head: np.zeros(shape) for head in classes}
    for patch in np.ndindex(shape):
        after = _log_probabilities(logits(flattened(log_mels, grids, patch)), classes)
        for head, drop in drops.items():
            drop[patch] = before[head] - after[head]
        advance(1)
    return drops


def flattened(
    log_mels: LogMels, grids: Mapping[str, Patches], patch: tuple[int, ...]
) -> dict[str, NDArray[np.float32]]:
    """Return a track's spectrograms with one patch filled with the mean level of itself and the patches around it.

    What happens in it is gone, and its loudness is nearly what it was. Of a mix with stems each channel has its own.
    """
    altered = {}
    for part, log_mel in log_mels.items():
        altered[part] = log_mel.copy()
        altered[part][grids[part].cells(patch)] = log_mel[grids[part].cells(patch, around=1)].mean(axis=(0, 1))
    return altered


def _log_probabilities(logits: Mapping[str, NDArray[Any]], classes: Mapping[str, int]) -> dict[str, float]:
    """Return head -> log-probability of its class."""
    return {head: float(log_softmax(logits[head].astype(np.float64))[index]) for head, index in classes.items()}


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
