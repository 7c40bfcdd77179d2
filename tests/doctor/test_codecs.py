"""The audio formats: each sample must decode to the tone that was written."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from soundatlas.doctor import codecs
from soundatlas.doctor.codecs import FORMATS, SAMPLES, check_codecs
from soundatlas.doctor.finding import Status

MOST_BYTES = 10_000


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Give a copy of the samples, to damage."""
    copy = tmp_path / "samples"
    shutil.copytree(SAMPLES, copy)
    monkeypatch.setattr(codecs, "SAMPLES", copy)
    return copy


def write_tone(path, *, hertz=440.0, seconds=0.5, rate=8_000):
    """Write a sine."""
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate), rate)


def test_every_format_is_read_here(tmp_path):
    """wav, flac, ogg, mp3 and opus decode to the tone that was written: one line that says so."""
    (found,) = check_codecs(tmp_path)
    assert found.status is Status.OK
    assert found.message.startswith("wav, flac, ogg, mp3, opus:")


def test_samples_are_small():
    """There is a sample per format, a few kilobytes each, and nothing else."""
    sizes = {path.name: path.stat().st_size for path in SAMPLES.iterdir()}
    assert set(sizes) == {f"tone.{name}" for name in FORMATS}
    assert max(sizes.values()) < MOST_BYTES


def test_format_that_cannot_be_decoded(samples):
    """What the decoder refuses is a fault that names the format; the others are still well."""
    (samples / "tone.mp3").write_bytes(b"this is no music" * 100)
    well, fault = check_codecs(samples)
    assert (well.status, fault.status) == (Status.OK, Status.FAULT)
    assert "mp3" not in well.message
    assert fault.message.startswith("mp3: the decoder says: ")


def test_missing_sample(samples):
    """A sample that the installation lost is a fault of its format."""
    (samples / "tone.ogg").unlink()
    assert check_codecs(samples)[1].message.startswith("ogg: ")


@pytest.mark.parametrize(
    ("tone", "said"),
    [
        ({"hertz": 446.0}, "the test tone has 446 Hz instead of 440 Hz"),
        ({"hertz": 220.0}, "the test tone has 220 Hz instead of 440 Hz"),
        ({"seconds": 1.0}, "the test tone lasts 1.00 s instead of 0.5 s"),
    ],
)
def test_decoder_that_gives_another_tone(samples, tone, said):
    """A file that decodes, but to something else, is a fault that says what was heard."""
    write_tone(samples / "tone.wav", **tone)
    assert check_codecs(samples)[1].message == f"wav: {said}"


def test_no_format_at_all(samples):
    """When nothing can be decoded, no line says that something is well."""
    for path in samples.iterdir():
        path.write_bytes(b"")
    assert [found.status for found in check_codecs(samples)] == [Status.FAULT] * len(FORMATS)
