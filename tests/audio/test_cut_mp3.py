"""An mp3 that was cut out of a longer one without encoding it anew, as FMA's clips and many previews are."""

from __future__ import annotations

import io

import pytest
import soundfile
from melodies import play

from soundatlas.audio.decode import decode_channels
from soundatlas.audio.examination import Limits, examine_file
from soundatlas.audio.mpeg_frames import _read, count_leaning_frames, walk_frames
from soundatlas.errors import TrackError

LIMITS = Limits(min_seconds=0.5, silence_db=-60.0, max_clipped_share=0.5)
SAMPLE_RATE = 22_050


@pytest.fixture(scope="module", params=["CONSTANT", "VARIABLE"])
def frames(request):
    """Give the frames of an mp3 of plucked notes, whose encoder moves bits from frame to frame."""
    file = io.BytesIO()
    soundfile.write(
        file, play(4, 6.0, SAMPLE_RATE), SAMPLE_RATE, format="MP3", bitrate_mode=request.param, compression_level=0.5
    )
    data, place, found = file.getvalue(), 0, []
    while (header := _read(data, place, len(data))) is not None:
        found.append(data[place : place + header.frame_bytes])
        place += header.frame_bytes
    assert len(found) > 200
    return found


def test_cut_file_is_sound(frames, tmp_path):
    """Wherever it begins, it is no damaged file, though the decoder complains of what its first frame lacks."""
    complained = 0
    for start in range(20, 140, 10):
        path = tmp_path / f"{start}.mp3"
        path.write_bytes(b"".join(frames[start : start + 80]))
        assert examine_file(path, LIMITS).channels == 1
        faults = decode_channels(path, max_seconds=60).faults
        complained += faults
        assert count_leaning_frames(path.read_bytes()) >= faults
    assert complained


def test_whole_file_leans_on_nothing(frames):
    """The first frame after the one that tells their number has all of its bits."""
    data = b"".join(frames)
    assert walk_frames(data).declared is not None
    assert count_leaning_frames(data) == 0


def test_hole_within_is_damage_all_the_same(frames, tmp_path):
    """A frame that is missing in the middle is not excused by a missing beginning."""
    damaged = 0
    for start in range(20, 140, 10):
        path = tmp_path / f"{start}.mp3"
        path.write_bytes(b"".join([*frames[:start], *frames[start + 1 :]]))
        try:
            examine_file(path, LIMITS)
        except TrackError as error:
            damaged += error.reason == "damaged"
    assert damaged


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfb\x90\x00" * 3, b"<html>", bytes(5000)])
def test_other_files_lean_on_nothing(data):
    """What is no mp3 has no such frames."""
    assert count_leaning_frames(data) == 0
