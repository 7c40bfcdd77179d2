"""From a file to its log-mel spectrogram, by librosa's definition and against a fixed reference level.

Every cell agrees with librosa within 1e-3 dB, at a third of its time. A file is transformed while it is decoded. What
decodes and transforms is imported with the first file: whoever hands files to workers needs only the settings.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.errors import TrackError
from soundatlas.files import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
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
    def mix(self) -> FrontEnd:
        """Return itself: the front end of the whole sound, as `StemFrontEnd.mix` is."""
        return self

    @property
    def stems(self) -> tuple[str, ...]:
        """Return none, as `StemFrontEnd.stems` would."""
        return ()

    @property
    def frames_per_second(self) -> float:
        """Return the number of frames per second."""
        return self.sample_rate / self.hop_length

    def frames(self, seconds: float) -> int:
        """Return the number of frames nearest to a length in seconds, at least 1."""
        return max(1, round(seconds * self.sample_rate / self.hop_length))

    def band_hertz(self) -> NDArray[np.float64]:
        """Return the frequency in the middle of each mel band, in Hz, shape (n_mels,)."""
        from soundatlas.audio.mel import mel_edges

        return mel_edges(self.n_mels, self.fmin, self.fmax)[1:-1]

    def log_mel(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Return the log-mel spectrogram of mono samples, as `LogMelStream` defines it.

        Args:
            samples: mono, float32, shape (samples,).
            sample_rate: of the samples, in Hz; resampled with soxr HQ where it differs from the contract's.

        Returns:
            float32 of shape (frames, n_mels), in dB.
        """
        from soundatlas.audio.log_mel import LogMelStream

        stream = LogMelStream(self, sample_rate, len(samples))
        stream.add(samples)
        return stream.finish()


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
    from soundatlas.audio.decode import AudioFile, check_room, mix_to_mono
    from soundatlas.audio.log_mel import LogMelStream, count_frames

    with AudioFile(path, max_seconds=front_end.max_seconds) as file:
        check_room(count_frames(front_end, file.frames, file.sample_rate) * front_end.n_mels, "cells of a spectrogram")
        stream, samples = LogMelStream(front_end, file.sample_rate, file.frames), 0
        for block in file.blocks():
            stream.add(mix_to_mono(block))
            samples += len(block)
    seconds = samples / file.sample_rate
    if seconds < front_end.min_seconds:
        raise TrackError("too_short", f"{seconds:.2f} s, shorter than {front_end.min_seconds:g} s")
    log_mel = stream.finish()
    if not math.isfinite(log_mel.max()):  # which is NaN where any cell is; a cell has a floor
        raise TrackError("not_finite", "the samples are so large that their power is not finite")
    return Spectrogram(log_mel, seconds, file.sample_rate, file.channels)
