"""Is a file sound? Every kind of damage that the decoder passes in silence has its reason."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from soundatlas.audio.examination import EXAMINED_SECONDS, Limits, examine_file
from soundatlas.errors import TrackError

RATE = 44_100
LIMITS = Limits(min_seconds=1.0, silence_db=-60.0, max_clipped_share=0.1)
NAMES = ["a.wav", "a.flac", "a.ogg", "a.mp3"]


def refusal(path) -> str:
    """Return the reason why a file cannot be used."""
    with pytest.raises(TrackError) as caught:
        examine_file(path, LIMITS)
    assert caught.value.message
    return caught.value.reason


@pytest.mark.parametrize("name", NAMES)
def test_sound_file_is_described(name, audio_file, sound) -> None:
    """Length, channels, level and clipping of a good file are told, whatever its format."""
    examined = examine_file(audio_file(name, sound(3.0, RATE, 2), RATE), LIMITS)
    assert examined.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert (examined.sample_rate, examined.channels, examined.clipped_share) == (RATE, 2, 0.0)
    assert -12 < examined.peak_db < -6


@pytest.mark.parametrize("share", [0.4, 0.95])
@pytest.mark.parametrize("name", NAMES)
def test_file_that_lost_its_end_is_truncated(name, share, audio_file, sound) -> None:
    """A broken download is found out in every format, though libsndfile reports success for most."""
    path = audio_file(name, sound(5.0, RATE), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path) == "truncated"


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3"])
def test_rotten_file_is_damaged(name, audio_file, sound) -> None:
    """Bytes that changed on an old disk are found out in formats that would play on."""
    path = audio_file(name, sound(5.0, RATE), RATE)
    content = bytearray(path.read_bytes())
    for place in np.random.default_rng(3).integers(5_000, len(content), 100):
        content[place] ^= 0xFF
    path.write_bytes(content)
    assert refusal(path) == "damaged"


def test_emptied_stretch_of_a_flac_is_damaged_or_truncated(audio_file, sound) -> None:
    """Zeros in the middle of a FLAC file are no reason to call it anything but audio."""
    path = audio_file("a.flac", sound(5.0, RATE), RATE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 9_000] = bytes(9_000)
    path.write_bytes(content)
    assert refusal(path) in {"damaged", "truncated"}


@pytest.mark.parametrize("count", [100, 4_096])
def test_mp3_whose_beginning_is_zeros_is_damaged(count, audio_file, sound) -> None:
    """The decoder looks for the next frame and says nothing; the lost bytes tell."""
    path = audio_file("a.mp3", sound(5.0, RATE), RATE)
    path.write_bytes(bytes(count) + path.read_bytes()[count:])
    assert refusal(path) == "damaged"


def test_mp3_without_a_header_of_its_own_is_whole(audio_file, sound) -> None:
    """A file of frames alone declares nothing, and lacks nothing."""
    path = audio_file("a.mp3", sound(5.0, RATE), RATE)
    content = path.read_bytes()
    second = content.index(content[:2], 2)
    path.write_bytes(content[second:])
    assert examine_file(path, LIMITS).channels == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0", "notes"),
        (b"<!doctype html><html>404</html>", "web page"),
        (b"  \n{}", "web page"),
        (b"\0\0\0\x20ftypM4A " + bytes(200), "convert"),
        (b"\x30\x26\xb2\x75" + bytes(200), "convert"),
        (b"bread, milk, reeds", "decoder says"),
        (bytes(5_000), "decoder says"),
    ],
)
def test_what_is_no_audio_is_told_what_it_is(content, said, tmp_path) -> None:
    """A score, a page or another format under the name of audio is called what it is, with what to do."""
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(TrackError, match=said) as caught:
        examine_file(tmp_path / "a.mp3", LIMITS)
    assert caught.value.reason == "not_audio"


def test_empty_and_absent_files_have_reasons(tmp_path) -> None:
    """No bytes and no file are told apart."""
    (tmp_path / "a.wav").touch()
    assert refusal(tmp_path / "a.wav") == "empty"
    assert refusal(tmp_path / "b.wav") == "unreadable"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sound: sound * 1e-4, "silent"),
        (lambda sound: sound * 0, "silent"),
        (lambda sound: np.clip(sound * 50, -1, 1), "clipped"),
        (lambda sound: np.where(np.arange(len(sound))[:, None] == 900, np.nan, sound), "not_finite"),
        (lambda sound: sound[: RATE // 2], "too_short"),
    ],
    ids=["faint", "silence", "clipped", "nan", "short"],
)
def test_sound_that_teaches_nothing_has_a_reason(change, reason, audio_file, sound) -> None:
    """Silence, clipping, NaN and a moment of sound are refused, each by its name."""
    samples = change(sound(2.0, RATE)).astype(np.float32)
    assert refusal(audio_file("a.wav", samples, RATE, subtype="FLOAT")) == reason


def test_length_of_a_long_file_is_the_whole_one(audio_file) -> None:
    """Of a very long file the beginning is looked at, and all of its length told."""
    samples = np.tile(np.sin(np.arange(8_000) / 5).astype(np.float32) * 0.3, int(EXAMINED_SECONDS) + 100)
    examined = examine_file(audio_file("a.flac", samples, 8_000), LIMITS)
    assert examined.duration_seconds == EXAMINED_SECONDS + 100


def test_wav_that_was_written_into_a_pipe_is_whole(audio_file, sound) -> None:
    """A recorder that could not know the length wrote the largest one; that is no lie."""
    path = audio_file("a.wav", sound(2.0, RATE), RATE)
    content = path.read_bytes()
    place = content.index(b"data") + 4
    path.write_bytes(content[:place] + b"\xff\xff\xff\xff" + content[place + 4 :])
    assert examine_file(path, LIMITS).duration_seconds == pytest.approx(2.0)


def test_standard_error_is_given_back(audio_file, capfd) -> None:
    """What the decoder complains of is read and not shown; afterwards standard error is what it was."""
    path = audio_file("a.mp3")
    examine_file(path, Limits(0.1, -60.0, 0.1))
    os.write(2, b"still here")
    sys.stderr.flush()
    assert capfd.readouterr().err == "still here"
