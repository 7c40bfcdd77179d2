"""The arithmetic of the log-mel spectrogram, on samples that come in blocks.

The definition is librosa's, the arithmetic is ours: blocks of frames, and bands that touch only the bins that they
weigh. Samples, spectra and cells are float32, the window and the transform float64, as in librosa: in float32 they
leave a floor, and tones without noise have cells so near to it that they were off by more than 1e-3 dB.

What is held is the spectrogram and the samples that the next frames need: a mix of three hours takes no more memory.
However the samples are cut into blocks, the result is the same, bit for bit.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from soundatlas.audio.mel import mel_bands
from soundatlas.audio.spectrogram import AMIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd

FRAMES_AT_ONCE = 64  # transformed at once: their spectra stay in the processor's cache


class LogMelStream:
    """A log-mel spectrogram in the making.

    10 log10(max(S, 1e-10)) of the mel-weighted power spectrogram S, after `librosa.feature.melspectrogram` and
    `librosa.power_to_db(ref=1.0, top_db=None)`. Samples of another rate than the front end's are resampled, by soxr HQ.

    Args:
        front_end: the settings.
        sample_rate: of the samples that come, in Hz.
        most_samples: how many samples will come at most.
    """

    def __init__(self, front_end: FrontEnd, sample_rate: int, most_samples: int) -> None:
        self._front_end = front_end
        self._ratio = front_end.sample_rate / sample_rate
        self._resampler = None
        if sample_rate != front_end.sample_rate:
            self._resampler = soxr.ResampleStream(sample_rate, front_end.sample_rate, 1, "float32", "HQ")
        self._came = self._made = 0  # samples, before and after resampling
        self._waiting = np.zeros(front_end.n_fft // 2, np.float32)  # from the next frame's first sample on
        self._rows = np.empty((count_frames(front_end, most_samples, sample_rate), front_end.n_mels), np.float32)
        self._done = 0  # rows
        self._window = _hann(front_end.n_fft)
        self._bands = mel_bands(
            front_end.sample_rate, front_end.n_fft, front_end.n_mels, front_end.fmin, front_end.fmax
        )

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next mono samples, float32, shape (samples,)."""
        self._came += len(samples)
        self._take(samples if self._resampler is None else self._resampler.resample_chunk(samples))
        ready = max(0, (len(self._waiting) - self._front_end.n_fft) // self._front_end.hop_length + 1)
        self._transform(ready - ready % FRAMES_AT_ONCE)  # the cuts between transforms depend on no block's length

    def finish(self) -> NDArray[np.float32]:
        """Return the spectrogram: float32, shape (frames, n_mels), dB."""
        if self._resampler is not None:
            tail = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
            missing = _resampled_length(self._came, self._ratio) - self._made
            self._take(tail[:missing])
            self._take(np.zeros(missing - len(tail[:missing]), np.float32))
        self._take(np.zeros(self._front_end.n_fft // 2, np.float32))
        self._transform((len(self._waiting) - self._front_end.n_fft) // self._front_end.hop_length + 1)
        rows = self._rows[: self._done]
        np.maximum(rows, np.float32(AMIN), out=rows)
        np.log10(rows, out=rows)
        rows *= 10
        return rows

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._made += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])

    def _transform(self, count: int) -> None:
        """Turn the next `count` frames into rows of mel-weighted power, and forget the samples that no other needs."""
        if count == 0:
            return
        hop = self._front_end.hop_length
        frames = sliding_window_view(self._waiting, self._front_end.n_fft)[::hop][:count]
        with np.errstate(over="ignore", invalid="ignore"):  # infinite power is the caller's to refuse
            for start in range(0, count, FRAMES_AT_ONCE):
                spectra = np.fft.rfft(frames[start : start + FRAMES_AT_ONCE] * self._window).astype(np.complex64)
                power = np.square(spectra.real)
                power += np.square(spectra.imag)
                rows = self._rows[self._done : self._done + len(power)]
                for group in self._bands:
                    np.matmul(power[:, group.bins], group.weights, out=rows[:, group.bands])
                self._done += len(power)
        self._waiting = self._waiting[count * hop :]


def count_frames(front_end: FrontEnd, samples: int, sample_rate: int) -> int:
    """Return how many frames a number of samples at some rate becomes."""
    if sample_rate != front_end.sample_rate:
        samples = _resampled_length(samples, front_end.sample_rate / sample_rate)
    return (samples + 2 * (front_end.n_fft // 2) - front_end.n_fft) // front_end.hop_length + 1


def _resampled_length(samples: int, ratio: float) -> int:
    """Return how many samples there are after resampling; the rounding errors are librosa's too."""
    return math.ceil(samples * ratio)


@lru_cache(maxsize=8)
def _hann(length: int) -> NDArray[np.float64]:
    """Return the periodic Hann window; SciPy's costs a worker half a second of imports."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
