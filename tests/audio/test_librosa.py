"""The front end against librosa: any settings, any rate, any length, every kind of file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE_DB = 1e-3
RATES = st.one_of(st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000]), st.integers(4_143, 192_000))
FLAC_RATES = RATES.map(lambda rate: rate if rate < 65_536 else rate // 10 * 10)  # what its frames can say
MPEG_RATES = st.sampled_from([8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
OPUS_RATES = st.sampled_from([8_000, 12_000, 16_000, 24_000, 48_000])
KINDS = {  # name and subtype of a file -> its rates, and its most channels
    ("a.wav", "PCM_U8"): (RATES, 6),
    ("a.wav", "PCM_16"): (RATES, 6),
    ("a.wav", "PCM_24"): (RATES, 6),
    ("a.wav", "PCM_32"): (RATES, 6),
    ("a.wav", "FLOAT"): (RATES, 6),
    ("a.wav", "DOUBLE"): (RATES, 6),
    ("a.aiff", "PCM_S8"): (RATES, 6),
    ("a.flac", "PCM_S8"): (FLAC_RATES, 6),
    ("a.flac", "PCM_16"): (FLAC_RATES, 6),
    ("a.flac", "PCM_24"): (FLAC_RATES, 6),
    ("a.ogg", "VORBIS"): (MPEG_RATES, 6),
    ("a.ogg", "OPUS"): (OPUS_RATES, 2),
    ("a.mp3", "MPEG_LAYER_III"): (MPEG_RATES, 2),
}
LENGTHS = st.one_of(
    st.sampled_from([0, 1, 2, 255, 256, 257, 16_000]),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
    st.integers(0, 200_000),
)
LONG_SECONDS = 600
FRAMES_PER_WRITE = 65_536


class Unsought(soundfile.SoundFile):
    """A file in which soundfile does not seek: that changes the last bits of an mp3."""

    def seekable(self) -> bool:
        """Say no, so that nobody tries."""
        return False


@dataclass(frozen=True)
class Case:
    """A file to write, and the settings to analyse it with."""

    kind: tuple[str, str]
    sample_rate: int
    channels: int
    samples: int
    seed: int
    front_end: FrontEnd

    def write(self, folder: Path) -> Path:
        """Write the file: tones, one per channel, that come and go in noise."""
        random = np.random.default_rng(self.seed)
        time = np.arange(self.samples)[:, None] / self.sample_rate
        tones = np.sin(2 * np.pi * random.uniform(50, self.sample_rate / 2, self.channels) * time)
        noise = random.standard_normal((self.samples, self.channels))
        samples = random.uniform(0.01, 0.5) * tones * (time % 2 < 1) + random.uniform(0.01, 0.05) * noise
        path = folder / self.kind[0]
        with soundfile.SoundFile(path, "w", self.sample_rate, self.channels, self.kind[1]) as file:
            for first in range(0, self.samples, FRAMES_PER_WRITE):  # libsndfile's Vorbis encoder crashes on minutes
                file.write(samples[first : first + FRAMES_PER_WRITE])
        return path


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a file and settings that `params.yaml` allows."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    rates, most_channels = KINDS[kind]
    rate = draw(RATES)
    n_fft = draw(st.one_of(st.sampled_from([256, 512, 1_024, 2_048, 4_096]), st.integers(64, 5_000)))
    hop_length = draw(st.integers(max(1, n_fft // 8), n_fft))
    fmax = draw(st.floats(500.0, rate / 2))
    front_end = FrontEnd(
        sample_rate=rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=draw(st.integers(1, min(128, n_fft // 2 + 1))),
        fmin=draw(st.floats(0.0, fmax - 100.0)),
        fmax=fmax,
        min_seconds=1e-9,
        max_seconds=float(LONG_SECONDS),
    )
    channels, samples = draw(st.integers(1, most_channels)), draw(LENGTHS)
    return Case(kind, draw(rates), channels, samples, draw(st.integers(0, 999)), front_end)


def by_librosa(path: Path, front_end: FrontEnd):
    """Compute a file's log-mel spectrogram with librosa's own calls and nothing of ours."""
    with Unsought(path) as file:
        samples, sample_rate = file.read(file.frames, dtype="float32", always_2d=True), file.samplerate
    mono = samples.mean(axis=1)
    if sample_rate != front_end.sample_rate:
        mono = librosa.resample(mono, orig_sr=sample_rate, target_sr=front_end.sample_rate, res_type="soxr_hq")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files shorter than a frame, and of bands that no bin falls into
        power = librosa.feature.melspectrogram(
            y=mono,
            sr=front_end.sample_rate,
            n_fft=front_end.n_fft,
            hop_length=front_end.hop_length,
            n_mels=front_end.n_mels,
            fmin=front_end.fmin,
            fmax=front_end.fmax,
        )
    return librosa.power_to_db(power, ref=1.0, top_db=None).T


def check(case: Case, folder: Path) -> None:
    """Compare every cell with librosa's."""
    path = case.write(folder)
    if case.samples == 0:
        with pytest.raises(TrackError) as caught:
            analyse_file(path, case.front_end)
        assert caught.value.reason in {"empty", "no_samples", "not_audio"}
        return
    found, expected = analyse_file(path, case.front_end).log_mel, by_librosa(path, case.front_end)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert found.shape[1] == case.front_end.n_mels
    assert found.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE_DB)


@settings(max_examples=60)
@given(case=cases())
def test_spectrogram_is_librosas(case, tmp_path_factory) -> None:
    """Whatever is asked of whatever file, the spectrogram is what librosa defines it to be."""
    check(case, tmp_path_factory.mktemp("librosa"))


@pytest.mark.slow
@settings(max_examples=600)
@given(case=cases())
def test_spectrogram_is_librosas_in_many_more_cases(case, tmp_path_factory) -> None:
    """Nor does a longer search find an exception."""
    check(case, tmp_path_factory.mktemp("librosa"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS), ids=" ".join)
def test_spectrogram_of_ten_minutes_is_librosas(kind, tmp_path) -> None:
    """The last frame of a long file is as near to librosa's as the first, in every kind of file."""
    front_end = FrontEnd(16_000, 2_048, 512, 128, 0.0, 8_000.0, 1.0, float(LONG_SECONDS))
    rate = 48_000 if kind[1] == "OPUS" else 44_100
    check(Case(kind, rate, 2, LONG_SECONDS * rate, 7, front_end), tmp_path)


@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_quiet_cells_beside_loud_ones_are_librosas(level, tmp_path) -> None:
    """A tone without noise leaves cells 100 dB below it, in which any rounding is heard; they are librosa's as well."""
    time = np.arange(48_000) / 16_000
    soundfile.write(tmp_path / "a.wav", level * 0.9 * np.sin(2 * np.pi * 440 * time), 16_000, subtype="DOUBLE")
    front_end = FrontEnd(16_000, 2_048, 512, 128, 0.0, 8_000.0, 1.0, 10.0)
    found, expected = analyse_file(tmp_path / "a.wav", front_end).log_mel, by_librosa(tmp_path / "a.wav", front_end)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE_DB)
