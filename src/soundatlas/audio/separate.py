"""Taking a mix apart: what repeats from what does not (REPET-SIM), and what lasts from what strikes (HPSS).

Foreground and background after Rafii & Pardo, "Music/Voice Separation Using the Similarity Matrix" (ISMIR 2012), by the
recipe that librosa documents: each frame is compared with the median of its nearest frames elsewhere in the piece. What
agrees is background (the band), what stands out is foreground (mostly the voice, or a soloist). Harmonic and percussive
after Fitzgerald, "Harmonic/Percussive Separation using Median Filtering" (DAFx 2010).

All of it are masks over a short-time Fourier transform: pure functions of arrays, the same in training and serving.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Stem = Literal["harmonic", "percussive", "foreground", "background"]
HARMONIC, PERCUSSIVE, FOREGROUND, BACKGROUND = STEMS = ("harmonic", "percussive", "foreground", "background")
FEWEST_FRAMES = 5  # with fewer, no frame has another one that is not its neighbour
FIXED = {  # what the code below fixes; part of the contract, so that a change here is seen
    "similarity": "cosine",
    "aggregate": "median",
    "neighbours": "librosa's number",  # 2 sqrt(frames - 2 width + 1)
    "hpss_kernel": 31,  # frames and bins
    "hpss_margin": 1.0,
    "hpss_power": 2.0,
}
N_FFT, HOP_LENGTH = 2048, 512  # samples, of sound that is to be heard: the recipe's own


@dataclass(frozen=True)
class Separation:
    """The settings of REPET-SIM.

    Attributes:
        width_seconds: how far apart two frames must be, for one to count as a repetition of the other.
        margin_background: how many times stronger than the rest the background must be to be taken for it.
        margin_foreground: the same of the foreground.
        power: of the soft masks: the higher, the harder.
        block_seconds: of a longer piece, what is compared with itself at once; time and memory grow with its square.
    """

    width_seconds: float = 2.0
    margin_background: float = 2.0
    margin_foreground: float = 10.0
    power: float = 2.0
    block_seconds: float = 60.0

    def contract(self) -> dict[str, Any]:
        """Return all that shapes a stem beside the transform, as JSON-like values."""
        return {**asdict(self), **FIXED}


def repeating_part(magnitude: NDArray[np.float32], width_frames: int) -> NDArray[np.float32]:
    """Return what of each frame its nearest frames elsewhere have too.

    In a clip of at most twice the width, frames may be nearer together; in one of less than five frames there is
    nothing to compare, and all of it counts as repeating.

    Args:
        magnitude: of the transform, shape (bins, frames).
        width_frames: frames that are nearer than this are no repetition.

    Returns:
        shape (bins, frames), nowhere above `magnitude`.
    """
    frames = magnitude.shape[1]
    if frames < FEWEST_FRAMES:
        return magnitude
    from librosa.decompose import nn_filter

    width = min(max(1, width_frames), (frames - 1) // 2 - 1)  # librosa wants it below half of the frames
    filtered = nn_filter(magnitude, aggregate=np.median, metric="cosine", width=width)
    return np.asarray(np.minimum(magnitude, filtered))


def stem_masks(
    magnitude: NDArray[np.float32], stems: Sequence[str], frames_per_second: float, separation: Separation
) -> dict[str, NDArray[np.float32]]:
    """Return stem -> its share of each cell, 0 to 1, shape (bins, frames).

    Harmonic and percussive shares add up to 1. Foreground and background leave out what is neither for sure, and never
    add up to more.

    Args:
        magnitude: of the transform, shape (bins, frames): of one block.
        stems: which, of `STEMS`.
        frames_per_second: of the transform.
        separation: the settings.
    """
    from librosa.decompose import hpss
    from librosa.util import softmask

    masks: dict[str, NDArray[np.float32]] = {}
    if {HARMONIC, PERCUSSIVE} & {*stems}:
        masks[HARMONIC], masks[PERCUSSIVE] = hpss(magnitude, mask=True)
    if {FOREGROUND, BACKGROUND} & {*stems}:
        repeating = repeating_part(magnitude, round(separation.width_seconds * frames_per_second))
        rest = magnitude - repeating
        masks[BACKGROUND] = softmask(repeating, separation.margin_background * rest, power=separation.power)
        masks[FOREGROUND] = softmask(rest, separation.margin_foreground * repeating, power=separation.power)
    return {stem: masks[stem] for stem in stems}


def separate(
    spectrum: NDArray[Any], stems: Sequence[str], frames_per_second: float, separation: Separation
) -> dict[str, NDArray[Any]]:
    """Return stem -> its part of a transform, shape (bins, frames).

    A piece longer than `block_seconds` is cut into blocks of equal length, each of which is taken apart by itself.

    Args:
        spectrum: complex, or its magnitude; shape (bins, frames).
        stems: which, of `STEMS`.
        frames_per_second: of the transform.
        separation: the settings.
    """
    parts = {stem: np.empty_like(spectrum) for stem in stems}
    for block in _blocks(spectrum.shape[1], round(separation.block_seconds * frames_per_second)):
        masks = stem_masks(np.abs(spectrum[:, block]), stems, frames_per_second, separation)
        for stem, mask in masks.items():
            np.multiply(spectrum[:, block], mask, out=parts[stem][:, block])
    return parts


def _blocks(frames: int, most: int) -> Iterator[slice]:
    """Yield the fewest equal parts of at most so many frames."""
    edges = np.linspace(0, frames, max(1, -(-frames // max(1, most))) + 1).round().astype(int)
    for start, stop in pairwise(edges):
        yield slice(int(start), int(stop))


def transform(samples: NDArray[np.float32], n_fft: int, hop_length: int) -> NDArray[np.complex64]:
    """Return the short-time Fourier transform of mono samples as librosa defines it: shape (bins, frames)."""
    from librosa import stft

    return np.asarray(stft(samples, n_fft=n_fft, hop_length=hop_length), dtype=np.complex64)


def separate_samples(
    samples: NDArray[np.float32], sample_rate: int, stems: Sequence[str], separation: Separation
) -> dict[str, NDArray[np.float32]]:
    """Return stem -> its sound: mono, float32, of the length and rate of `samples`.

    Args:
        samples: mono, float32, shape (samples,).
        sample_rate: in Hz.
        stems: which, of `STEMS`.
        separation: the settings.
    """
    from librosa import istft

    spectrum = transform(samples, N_FFT, HOP_LENGTH)
    parts = separate(spectrum, stems, sample_rate / HOP_LENGTH, separation)
    return {
        stem: np.asarray(istft(part, hop_length=HOP_LENGTH, length=len(samples)), dtype=np.float32)
        for stem, part in parts.items()
    }
