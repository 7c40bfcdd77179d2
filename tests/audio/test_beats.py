"""librosa's tempo of a file."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.audio.beats import tracked_tempo
from soundatlas.errors import TrackError

RATE = 22_050


@pytest.mark.parametrize("bpm", [100, 130])
def test_the_tempo_of_clicks(audio_file, bpm: int) -> None:
    """Regular clicks have their tempo, within librosa's steps of some per cent."""
    time = np.arange(12 * RATE) / RATE
    since = time % (60 / bpm)
    clicks = 0.5 * np.exp(-40 * since) * np.sin(2 * np.pi * 880 * since)
    path = audio_file("clicks.wav", clicks.astype(np.float32)[:, None], RATE)
    assert tracked_tempo(path, max_seconds=600) == pytest.approx(bpm, rel=0.04)


def test_what_is_no_audio_is_refused(tmp_path) -> None:
    """A file that cannot be decoded gives the decoder's reason."""
    path = tmp_path / "words.wav"
    path.write_text("no audio")
    with pytest.raises(TrackError):
        tracked_tempo(path, max_seconds=600)
