"""A fingerprint that survives what happens to a recording on its way: codecs, gain, resampling, cuts, padding.

After Haitsma & Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): one bit per neighbouring pair of
bands says whether their difference in level rises or falls over time. Gain and a fixed equalisation cancel out. Unlike
theirs, a bit is kept only where the change is clear, since the frames here are 32 ms apart and not 12: a change that
is small may well point the other way in a copy that is shifted by half a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

BAND_HERTZ = (250.0, 3500.0)  # what a telephone, 8 kHz and the thriftiest codec leave of music
MOST_BITS = 24
FEWEST_BITS = 8  # with fewer, different pieces resemble each other
FRAME_SECONDS = 0.032  # finer frames are averaged to this
LAG_SECONDS = 0.096  # over which a change is measured
CLEAR_DB = 2.0  # a change below this gives no bit
DEPTH_DB = 60.0  # what lies further below the track's loudest cell is silence
HEARD_DEPTH_DB = 40.0  # what is compared where levels count: codecs leave little as it was below
HASHED_SHARE = 0.3  # of a frame's bits that must be clear for it to be looked up
BLOCK_SECONDS = 5.0  # the shortest stretch by which two recordings are called the same
INFORMED_SHARE = 0.1  # of a block's bits that must be clear on both sides


@dataclass(frozen=True)
class Layout:
    """How log-mel frames of one front end are turned into bits.

    Attributes:
        edges: first mel band of each pooled band, and the end of the last; shape (bits + 2,), or (0,) where the front
            end has too few mel bands for a fingerprint.
        step: log-mel frames that are averaged to one frame of the fingerprint.
        lag: frames of the fingerprint over which a change is measured.
        frame_seconds: distance of two frames of the fingerprint.
    """

    edges: tuple[int, ...]
    step: int
    lag: int
    frame_seconds: float

    @classmethod
    def of(cls, front_end: FrontEnd) -> Layout:
        """Choose bands and frames for a front end."""
        hop_seconds = front_end.hop_length / front_end.sample_rate
        step = max(1, round(FRAME_SECONDS / hop_seconds))
        centres = front_end.band_hertz()
        inside = np.flatnonzero((centres >= BAND_HERTZ[0]) & (centres <= BAND_HERTZ[1]))
        bits = min(MOST_BITS, len(inside) - 1)
        edges: tuple[int, ...] = ()
        if bits >= FEWEST_BITS:
            edges = tuple(np.linspace(inside[0], inside[-1] + 1, bits + 2).round().astype(int).tolist())
        return cls(edges, step, max(1, round(LAG_SECONDS / (hop_seconds * step))), hop_seconds * step)

    @property
    def bits(self) -> int:
        """Bits per frame; 0 where this front end allows no fingerprint."""
        return max(0, len(self.edges) - 2)

    @property
    def block_frames(self) -> int:
        """Frames of the shortest stretch by which two recordings are called the same."""
        return round(BLOCK_SECONDS / self.frame_seconds)

    @property
    def frames_per_hash(self) -> int:
        """Frames, `lag` apart, whose bits are looked up together: one where there are enough bits."""
        return -(-MOST_BITS // self.bits)


@dataclass(frozen=True)
class Fingerprint:
    """The bits of a recording.

    Attributes:
        rising: uint32, shape (frames,): a bit per pair of bands, set where its difference in level rises.
        clear: uint32, shape (frames,): set where that change is large enough to count.
    """

    rising: NDArray[np.uint32]
    clear: NDArray[np.uint32]


def fingerprint(log_mel: NDArray[np.float32], layout: Layout) -> Fingerprint:
    """Return the fingerprint of a spectrogram; a silent or unchanging one has no clear bit.

    Args:
        log_mel: shape (frames, n_mels), dB.
        layout: of its front end, with bits.
    """
    if len(log_mel) // layout.step <= layout.lag:
        nothing = np.zeros(0, dtype=np.uint32)
        return Fingerprint(nothing, nothing)
    slope = np.diff(_levels(log_mel, layout, DEPTH_DB), axis=1)
    change = slope[layout.lag :] - slope[: -layout.lag]
    return Fingerprint(_pack(change > 0), _pack(np.abs(change) >= CLEAR_DB))


def _levels(log_mel: NDArray[np.float32], layout: Layout, depth_db: float) -> NDArray[np.float32]:
    """Pool mel bands and frames: dB below the track's loudest cell, cut off at `depth_db`, shape (frames, bands)."""
    first, last = layout.edges[0], layout.edges[-1]
    frames = len(log_mel) // layout.step
    relative = np.maximum(log_mel[: frames * layout.step, first:last] - log_mel.max(), np.float32(-depth_db))
    power = np.add.reduceat(np.exp(relative * np.float32(np.log(10) / 10)), np.subtract(layout.edges[:-1], first), 1)
    return np.asarray(10 * np.log10(power.reshape(frames, layout.step, -1).mean(axis=1)))


def _pack(flags: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Pack flags of shape (frames, bits) into one number per frame."""
    weights = np.left_shift(np.uint32(1), np.arange(flags.shape[1], dtype=np.uint32))
    return np.asarray((flags * weights).sum(axis=1), dtype=np.uint32)


def hashes(one: Fingerprint, layout: Layout) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return what a recording is looked up by: the bits of its frames with many clear bits, and these frames.

    Returns:
        hashes, uint64, and positions of their (first) frames; both of shape (hashes,).
    """
    span = layout.lag * (layout.frames_per_hash - 1)
    count = max(0, len(one.rising) - span)
    values, clear = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.int64)
    for start in range(0, span + 1, layout.lag):
        values = values << np.uint64(layout.bits) | one.rising[start : start + count].astype(np.uint64)
        clear += np.bitwise_count(one.clear[start : start + count])
    frames = np.flatnonzero(clear >= HASHED_SHARE * layout.bits * layout.frames_per_hash)
    return values[frames], frames


def bit_error_rate(one: Fingerprint, other: Fingerprint, offset: int, layout: Layout) -> float:
    """Return the share of bits that differ in the best stretch of 5 s, of the bits that are clear on both sides.

    Args:
        one: a recording.
        other: another one, whose frame 0 meets frame `offset` of the first.
        offset: in frames of the fingerprint.
        layout: of both.

    Returns:
        0 for equal stretches, about 0.4 for different music; 1 where no stretch is long and lively enough to tell.
    """
    here, there, length = _overlap(len(one.rising), len(other.rising), offset)
    block = layout.block_frames
    if length < block:
        return 1.0
    clear = one.clear[here] & other.clear[there]
    wrong = np.bitwise_count((one.rising[here] ^ other.rising[there]) & clear)
    errors, counted = _block_sums(wrong, block), _block_sums(np.bitwise_count(clear), block)
    informed = counted >= INFORMED_SHARE * block * layout.bits
    return float((errors[informed] / counted[informed]).min()) if informed.any() else 1.0


def level_correlation(one: NDArray[np.float32], other: NDArray[np.float32], offset: int, layout: Layout) -> float:
    """Return how alike the levels of two recordings run in the best stretch of 5 s, band by band: at most 1.

    The bits say where something changes, and are nearly the same when two instruments play the same notes at the same
    moments. How a note swells and fades in each band is the instrument's own.

    Args:
        one: a spectrogram, shape (frames, n_mels), dB.
        other: another one, whose frame 0 meets frame `offset` of the first.
        offset: in frames of the fingerprint.
        layout: of both.

    Returns:
        Pearson's correlation over all cells, each band's own mean level taken out; -1 where they share less than 5 s.
    """
    mine, theirs = _levels(one, layout, HEARD_DEPTH_DB), _levels(other, layout, HEARD_DEPTH_DB)
    here, there, length = _overlap(len(mine), len(theirs), offset)
    block = layout.block_frames
    if length < block:
        return -1.0
    x: NDArray[np.float64] = mine[here].astype(np.float64)
    y: NDArray[np.float64] = theirs[there].astype(np.float64)
    sum_x, sum_y = _block_sums(x, block), _block_sums(y, block)

    def covariance(product: NDArray[Any], sums: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray((_block_sums(product, block) - sums / block).sum(axis=1))

    both = covariance(x * y, sum_x * sum_y)
    spread = np.sqrt(np.maximum(covariance(x * x, sum_x**2) * covariance(y * y, sum_y**2), 0.0))
    return float(np.max(both / np.maximum(spread, 1.0)))  # below 1 dB^2 in a whole block nothing moves


def _overlap(frames: int, other_frames: int, offset: int) -> tuple[slice, slice, int]:
    """Return which frames of each of two recordings meet, and how many they are (0 or less: none)."""
    begin, end = max(0, offset), min(frames, other_frames + offset)
    return slice(begin, end), slice(begin - offset, end - offset), end - begin


def _block_sums(numbers: NDArray[Any], block: int) -> NDArray[Any]:
    """Return the sum over every stretch of `block` numbers, along the first axis."""
    wide = np.float64 if numbers.dtype.kind == "f" else np.int64
    sums = np.concatenate([np.zeros((1, *numbers.shape[1:]), wide), np.cumsum(numbers, axis=0, dtype=wide)])
    return np.asarray(sums[block:] - sums[:-block])
