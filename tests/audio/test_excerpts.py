"""Excerpts to be heard in a browser."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from soundatlas.audio.excerpts import RATE, write_excerpt
from soundatlas.errors import TrackError


def rising(seconds: float, rate: int = 8_000):
    """Return a sound whose level says how late it is."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.9 * time / seconds * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[:, None]


@pytest.mark.parametrize(
    ("seconds", "begins", "ends"), [(2.0, 0.0, 2.0), (6.0, 2.0, 6.0), (50.0, 30.0, 34.0), (31.0, 27.0, 31.0)]
)
def test_an_excerpt_is_short_and_from_within(audio_file, tmp_path, seconds, begins, ends):
    """At most so many seconds, mono, from 30 s on or from as late as there is; a short track is there whole."""
    source, target = audio_file("a.wav", rising(seconds), 8_000), tmp_path / "a.ogg"
    write_excerpt(source, target, seconds=4.0)
    samples, rate = soundfile.read(target, always_2d=True)
    assert (rate, samples.shape[1]) == (RATE, 1)
    assert len(samples) / rate == pytest.approx(ends - begins, abs=0.01)
    middle = samples[len(samples) // 2 - RATE // 10 : len(samples) // 2 + RATE // 10]
    assert np.abs(middle).max() == pytest.approx(0.9 * (begins + ends) / 2 / seconds, abs=0.06)
    assert target.read_bytes()[:4] == b"OggS"


def test_an_excerpt_begins_and_ends_softly(audio_file, tmp_path):
    """There is no click at either end."""
    source, target = audio_file("a.wav", np.full((16_000, 1), 0.5, np.float32), 16_000), tmp_path / "a.ogg"
    write_excerpt(source, target, seconds=4.0)
    samples, _ = soundfile.read(target)
    assert abs(samples[0]) < 0.1
    assert abs(samples[-1]) < 0.1


def test_equal_sound_gives_equal_bytes(audio_file, tmp_path):
    """Cut twice, the file is the same."""
    source = audio_file("a.flac")
    for name in ("a.ogg", "b.ogg"):
        write_excerpt(source, tmp_path / name, seconds=4.0)
    assert (tmp_path / "a.ogg").read_bytes() == (tmp_path / "b.ogg").read_bytes()


def test_what_cannot_be_decoded_says_why(tmp_path):
    """A file that is no audio has the decoder's reason, and leaves nothing."""
    (tmp_path / "a.mp3").write_text("no music")
    with pytest.raises(TrackError):
        write_excerpt(tmp_path / "a.mp3", tmp_path / "a.ogg", seconds=4.0)
    assert not (tmp_path / "a.ogg").exists()
