"""From a file to the log-mels of its mix and of its stems, side by side: what a network with several channels hears."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.decode import decode
from soundatlas.audio.mel import mel_weights
from soundatlas.audio.separate import Separation, separate, transform
from soundatlas.audio.spectrogram import AMIN, FrontEnd, analyse_file
from soundatlas.files import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import Spectrogram
    from soundatlas.params import SpectrogramsParams
    from soundatlas.separate_params import SeparateParams

MIX = 0  # the first channel
OWN_KEYS = ("stems", "separation")  # of the contract, beside those of the mix


@dataclass(frozen=True)
class StemFrontEnd:
    """The settings that shape the log-mels of mix and stems.

    Attributes:
        mix: of the mix, and of every stem once it was taken out of the mix.
        stems: of `separate.STEMS`, in the order of the channels that follow the mix.
        separation: how they are taken out.
    """

    mix: FrontEnd
    stems: tuple[str, ...]
    separation: Separation

    @classmethod
    def of(cls, spectrograms: SpectrogramsParams, separate: SeparateParams) -> StemFrontEnd:
        """Take the settings from two sections of `params.yaml`."""
        return cls(FrontEnd.of(spectrograms), tuple(separate.stems), separation_of(separate))

    @classmethod
    def from_contract(cls, contract: dict[str, Any]) -> StemFrontEnd:
        """Take the settings from what `contract` returned.

        Raises:
            ValueError: when the contract was written by code that fixes other things than this code does.
        """
        mix = FrontEnd.from_contract({name: value for name, value in contract.items() if name not in OWN_KEYS})
        settings = {name: contract["separation"][name] for name in Separation.__dataclass_fields__}
        front_end = cls(mix, tuple(contract["stems"]), Separation(**settings))
        if contract != front_end.contract():
            raise ValueError("its separation is defined otherwise than this version of soundatlas defines it")
        return front_end

    def contract(self) -> dict[str, Any]:
        """Return all that shapes the channels, as JSON-like values."""
        return {**self.mix.contract(), "stems": [*self.stems], "separation": self.separation.contract()}

    def sha256(self) -> str:
        """Return the contract's hash: equal hashes, equal log-mels."""
        return sha256_json(self.contract())

    def stem_log_mels(self, samples: NDArray[np.float32], sample_rate: int) -> dict[str, NDArray[np.float32]]:
        """Return stem -> its log-mel: that of the mix's transform, each cell weighed by the stem's share in it.

        Args:
            samples: mono, float32, shape (samples,).
            sample_rate: of the samples, in Hz; resampled where it differs from the contract's.

        Returns:
            float32 of shape (frames, n_mels), in dB: as many frames as the mix has.
        """
        from librosa import resample

        front_end = self.mix  # which resamples alike, but keeps what it resampled to itself
        samples = resample(samples, orig_sr=sample_rate, target_sr=front_end.sample_rate, res_type="soxr_hq")
        magnitude = np.abs(transform(samples, front_end.n_fft, front_end.hop_length))
        parts = separate(magnitude, self.stems, front_end.frames_per_second, self.separation)
        return {stem: log_mel_of(part, front_end) for stem, part in parts.items()}


def separation_of(params: SeparateParams) -> Separation:
    """Take the settings from `params.yaml`'s section."""
    return Separation(**{name: getattr(params, name) for name in Separation.__dataclass_fields__})


AnyFrontEnd = FrontEnd | StemFrontEnd


def front_end_from_contract(contract: dict[str, Any]) -> AnyFrontEnd:
    """Take a front end, with or without stems, from its own contract.

    Raises:
        ValueError: when the contract was written by code that fixes other things than this code does.
    """
    kind = StemFrontEnd if OWN_KEYS[0] in contract else FrontEnd
    return kind.from_contract(contract)


def analyse(path: Path, front_end: AnyFrontEnd) -> Spectrogram:
    """Decode a file and return what a front end hears: `analyse_stems` or, without stems, `analyse_file`.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    return analyse_file(path, front_end) if isinstance(front_end, FrontEnd) else analyse_stems(path, front_end)


def mix_of(log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mix's log-mel, shape (frames, n_mels), of one with a channel for each stem, or of one without."""
    return log_mel if log_mel.ndim == 2 else log_mel[..., MIX]  # noqa: PLR2004 - frames and bands


def log_mel_of(magnitude: NDArray[np.float32], front_end: FrontEnd) -> NDArray[np.float32]:
    """Return the log-mel of a transform's magnitude: from shape (bins, frames) to (frames, n_mels), dB."""
    weights = mel_weights(front_end.sample_rate, front_end.n_fft, front_end.n_mels, front_end.fmin, front_end.fmax)
    power = np.maximum(weights @ np.square(magnitude), np.float32(AMIN))
    return np.ascontiguousarray(10 * np.log10(power).T, dtype=np.float32)


def analyse_stems(path: Path, front_end: StemFrontEnd) -> Spectrogram:
    """Decode a file as `analyse_file` does, to log-mels of shape (frames, n_mels, 1 + stems), the mix first.

    Raises:
        TrackError: with the reason why the file cannot be used.
    """
    mix = analyse_file(path, front_end.mix)
    decoded = decode(path, max_seconds=front_end.mix.max_seconds)
    stems = front_end.stem_log_mels(decoded.samples, decoded.sample_rate)
    return replace(mix, log_mel=np.stack([mix.log_mel, *stems.values()], axis=-1))
