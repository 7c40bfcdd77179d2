"""From files, good and bad, to mono samples."""

from __future__ import annotations

import os
import shlex
import struct
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundatlas.audio.decode import MAX_CHANNELS, AudioFile, decode, decode_channels
from soundatlas.errors import TrackError
from soundatlas.tables import REASONS

LONG = 600.0  # seconds, longer than any file here
RATE = 16_000
PCM, IEEE_FLOAT = 1, 3  # WAV format codes
EVERY_LENGTH = 2**36 - 1  # the longest that a FLAC header can declare


def _refusal(path: Path) -> str:
    """Decode a file that cannot be used and return the reason."""
    with pytest.raises(TrackError) as caught:
        decode(path, max_seconds=LONG)
    assert caught.value.reason in REASONS
    assert caught.value.message
    return caught.value.reason


def _wav(
    data: bytes,
    *,
    sample_rate: int = RATE,
    channels: int = 1,
    bits: int = 16,
    code: int = PCM,
    claimed_bytes: int | None = None,
) -> bytes:
    """Build a WAV file by hand, so that its header can lie."""
    claimed = len(data) if claimed_bytes is None else claimed_bytes
    block = channels * bits // 8 & 0xFFFF
    layout = struct.pack(
        "<IHHIIHH", 16, code, channels, sample_rate, sample_rate * channels * bits // 8 & 0xFFFFFFFF, block, bits
    )
    header = b"RIFF" + struct.pack("<I", (36 + claimed) & 0xFFFFFFFF) + b"WAVEfmt " + layout
    return header + b"data" + struct.pack("<I", claimed) + data


def _with_stream_info(flac: Path, *, frames: int, sample_rate: int | None = None, channels: int | None = None) -> None:
    """Rewrite what a FLAC file's header says of its length (0: nothing), rate and channels."""
    content = bytearray(flac.read_bytes())
    packed = int.from_bytes(content[18:26])  # 20 bits rate, 3 channels - 1, 5 bits per sample - 1, 36 frames
    rate = packed >> 44 if sample_rate is None else sample_rate
    count = packed >> 41 & 7 if channels is None else channels - 1
    content[18:26] = (rate << 44 | count << 41 | packed & 31 << 36 | frames).to_bytes(8)
    flac.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", "PCM_U8", 2**-7),
        ("a.wav", "PCM_16", 2**-15),
        ("a.wav", "PCM_24", 2**-23),
        ("a.wav", "PCM_32", 2**-23),
        ("a.wav", "FLOAT", 0.0),
        ("a.wav", "DOUBLE", 0.0),
        ("a.flac", "PCM_S8", 2**-7),
        ("a.flac", "PCM_16", 2**-15),
        ("a.flac", "PCM_24", 2**-23),
        ("a.aiff", "PCM_16", 2**-15),
    ],
)
def test_lossless_file_gives_back_its_samples(name, subtype, step, audio_file, sound) -> None:
    """Whatever the width of the samples, full scale is 1.0 and only the quantisation is lost."""
    samples = sound(0.5, RATE)
    decoded = decode(audio_file(name, samples, subtype=subtype), max_seconds=LONG)
    assert decoded.samples.dtype == np.float32
    assert decoded.samples.shape == (len(samples),)
    np.testing.assert_allclose(decoded.samples, samples[:, 0], rtol=0, atol=step)


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3"])
def test_lossy_file_gives_back_its_sound(name, audio_file, sound) -> None:
    """A compressed file decodes to the same sound in the same place."""
    samples = sound(2.0, 44_100)
    decoded = decode(audio_file(name, samples, 44_100), max_seconds=LONG)
    assert (decoded.sample_rate, decoded.channels) == (44_100, 1)
    assert decoded.duration_seconds == pytest.approx(2.0, abs=0.06)
    both = min(len(samples), len(decoded.samples))
    assert np.corrcoef(samples[:both, 0], decoded.samples[:both])[0, 1] > 0.98


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_channels_are_averaged(name, channels, audio_file, sound) -> None:
    """The mono mix is the mean of all channels, and their number is kept."""
    samples = sound(0.2, RATE, channels)
    decoded = decode(audio_file(name, samples, subtype="PCM_24"), max_seconds=LONG)
    assert decoded.channels == channels
    np.testing.assert_allclose(decoded.samples, samples.mean(axis=1), rtol=0, atol=2**-22)


def test_as_many_channels_as_allowed_are_averaged(audio_file, sound) -> None:
    """The largest number of channels that is believed also decodes."""
    samples = sound(0.1, RATE, MAX_CHANNELS)
    decoded = decode(audio_file("a.wav", samples, subtype="FLOAT"), max_seconds=LONG)
    np.testing.assert_allclose(decoded.samples, samples.mean(axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_sample_rate_is_the_files_own(sample_rate, audio_file) -> None:
    """Decoding does not resample, and the duration follows from the file's rate."""
    decoded = decode(audio_file("a.flac", None, sample_rate), max_seconds=LONG)
    assert decoded.sample_rate == sample_rate
    assert len(decoded.samples) == sample_rate
    assert decoded.duration_seconds == 1.0


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_of_a_longer_file_only_the_beginning_is_read(name, audio_file, sound) -> None:
    """`max_seconds` cuts the file and changes nothing of what is before the cut."""
    path = audio_file(name, sound(2.0, RATE, 2))
    whole, part = decode(path, max_seconds=LONG), decode(path, max_seconds=0.75)
    assert len(whole.samples) > len(part.samples) == 12_000
    np.testing.assert_array_equal(part.samples, whole.samples[:12_000])


KINDS = (  # of files, with what soundfile is told
    ("a.wav", {"subtype": "PCM_24"}),
    ("a.wav", {"subtype": "IMA_ADPCM"}),
    ("a.wav", {"subtype": "MS_ADPCM"}),
    ("a.wav", {"subtype": "ULAW"}),
    ("a.aiff", {"subtype": "FLOAT"}),
    ("a.flac", {}),
    ("a.ogg", {}),
    ("a.ogg", {"subtype": "OPUS"}),
    ("a.mp3", {"bitrate_mode": "CONSTANT"}),
    ("a.mp3", {"bitrate_mode": "AVERAGE"}),
    ("a.mp3", {"bitrate_mode": "VARIABLE"}),
)


@settings(max_examples=30)
@given(
    kind=st.sampled_from(KINDS),
    frames=st.one_of(st.integers(1, 2_000), st.sampled_from([576, 1_152, 4_096, 10_000])),
    channels=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@example(kind=("a.mp3", {"bitrate_mode": "VARIABLE"}), frames=1, channels=2, seed=0)
@example(kind=("a.ogg", {}), frames=1, channels=2, seed=0)
def test_blocks_of_any_length_are_what_one_call_gives(kind, frames, channels, seed, tmp_path_factory, sound) -> None:
    """Decoding block by block changes no bit, also of formats whose decoder has a memory."""
    path = tmp_path_factory.mktemp("blocks") / kind[0]
    soundfile.write(path, sound(0.4, RATE, channels, seed=seed), RATE, **kind[1])
    whole, sample_rate, _ = decode_channels(path, max_seconds=LONG)
    with AudioFile(path, max_seconds=LONG) as file:
        assert (file.sample_rate, file.channels) == (sample_rate, channels)
        blocks = [block.copy() for block in file.blocks(frames)]
    assert {len(block) for block in blocks[:-1]} <= {frames}
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    by_soundfile, _ = soundfile.read(path, dtype="float32", always_2d=True)  # which seeks in mp3: the last bits differ
    np.testing.assert_allclose(by_soundfile, whole, rtol=0, atol=1e-6)


def test_length_of_exactly_the_maximum_is_whole(audio_file) -> None:
    """A file as long as `max_seconds` loses nothing."""
    assert len(decode(audio_file("a.wav"), max_seconds=1.0).samples) == RATE


def test_decoding_again_gives_the_same_samples(audio_file, sound) -> None:
    """Decoding is a function of the bytes, for lossy files too."""
    path = audio_file("a.mp3", sound(1.0, RATE, 2))
    np.testing.assert_array_equal(decode(path, max_seconds=LONG).samples, decode(path, max_seconds=LONG).samples)


def test_name_does_not_decide_the_format(audio_file) -> None:
    """A FLAC file that is called .mp3 is what its bytes say."""
    flac = audio_file("a.flac")
    renamed = flac.rename(flac.with_suffix(".mp3"))
    assert len(decode(renamed, max_seconds=LONG).samples) == RATE


@pytest.mark.parametrize("name", ["a.raw", "-", "a.wav.part", "♫"])
def test_no_name_is_believed(name, audio_file, tmp_path, monkeypatch) -> None:
    """Neither an ending that means raw samples nor a name that means standard input changes what is read."""
    audio_file("a.flac").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(decode(Path(name), max_seconds=LONG).samples) == RATE


def test_file_without_bytes_is_empty(tmp_path) -> None:
    """Zero bytes have a reason of their own."""
    (tmp_path / "a.mp3").touch()
    assert _refusal(tmp_path / "a.mp3") == "empty"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp3", b"bread\nmilk\nreeds for the oboe\n" * 40),
        ("page.mp3", b"<!doctype html><html><body>404: no such song</body></html>"),
        ("notes.wav", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"),
        ("noise.wav", np.random.default_rng(1).bytes(5_000)),
        ("noise.mp3", np.random.default_rng(2).bytes(5_000)),
        ("noise", np.random.default_rng(3).bytes(5_000)),
        ("zeros.ogg", bytes(5_000)),
        ("one.flac", b"f"),
        ("name-only.flac", b"fLaC"),
    ],
)
def test_anything_else_is_not_audio(name, content, tmp_path) -> None:
    """Text, web pages, scores and noise are refused, whatever they are called."""
    (tmp_path / name).write_bytes(content)
    assert _refusal(tmp_path / name) == "not_audio"


@pytest.mark.parametrize("size", [100, 500, 1_000])
def test_mp3_of_which_little_is_left_says_so(size, audio_file, capfd) -> None:
    """It is a file, whatever the decoder calls it; and the decoder's own remarks reach nobody's terminal."""
    path = audio_file("a.mp3", None, 44_100)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(TrackError, match="not_audio: the decoder cannot begin: "):
        decode(path, max_seconds=LONG)
    assert capfd.readouterr().err == ""


def test_mp3_that_is_cut_or_damaged_is_decoded_in_silence(audio_file, sound, capfd) -> None:
    """The decoder's remarks name no file: they are counted where they tell a fault, and not printed."""
    path = audio_file("a.mp3", sound(5.0, 44_100), 44_100)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    assert decode_channels(path, max_seconds=LONG).faults == 0
    for place in range(5_000, len(content), 4_000):
        content[place : place + 60] = bytes(60)
    path.write_bytes(content)
    assert decode_channels(path, max_seconds=LONG).faults > 0
    assert capfd.readouterr().err == ""


def test_what_others_write_to_standard_error_gets_there(audio_file, capfd) -> None:
    """Only the decoder is silenced, and only while it works."""
    path = audio_file("a.mp3")
    with AudioFile(path, max_seconds=LONG) as file:
        for _ in file.blocks(4_000):
            os.write(2, b"fault\n")
    assert set(capfd.readouterr().err.splitlines()) == {"fault"}


def test_number_of_a_closed_standard_error_is_left_to_whom_it_belongs(audio_file, tmp_path) -> None:
    """Where standard error is closed, another file has its number: nothing that is written there goes astray."""
    program = (
        "import os, sys; from pathlib import Path; from soundatlas.audio.decode import decode, decoder_remarks\n"
        "with open(sys.argv[1], 'wb', buffering=0) as other:\n"
        "    assert other.fileno() == 2\n"
        "    with decoder_remarks():\n        other.write(b'kept')\n"
        "    print(len(decode(Path(sys.argv[2]), max_seconds=9).samples))"
    )
    command = shlex.join([sys.executable, "-c", program, str(tmp_path / "other"), str(audio_file("a.flac"))])
    done = subprocess.run(["/bin/sh", "-c", f"{command} 2>&-"], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"{RATE}\n"
    assert (tmp_path / "other").read_bytes() == b"kept"


def test_threads_that_decode_at_once_leave_standard_error_as_it_was(audio_file, capfd) -> None:
    """However they overlap, it is put back."""
    path = audio_file("a.mp3", None, 44_100)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: decode(path, max_seconds=LONG), range(64)))
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_flac_that_is_cut_is_truncated(share, audio_file) -> None:
    """A FLAC file that lost its end, as a broken download does, is refused as truncated."""
    path = audio_file("a.flac")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert _refusal(path) == "truncated"


def test_flac_that_declares_more_than_it_holds_is_truncated(audio_file) -> None:
    """A header that promises more samples than follow is named as that."""
    path = audio_file("a.flac")
    _with_stream_info(path, frames=EVERY_LENGTH)
    assert _refusal(path) == "truncated"


def test_flac_that_declares_no_length_is_read_to_its_end(audio_file, sound) -> None:
    """An encoder that writes into a pipe cannot declare the length; the file is as good as any."""
    samples = sound(1.0, RATE)
    path = audio_file("a.flac", samples, subtype="PCM_24")
    _with_stream_info(path, frames=0)
    np.testing.assert_allclose(decode(path, max_seconds=LONG).samples, samples[:, 0], rtol=0, atol=2**-23)
    assert len(decode(path, max_seconds=0.5).samples) == RATE // 2


def test_wav_that_is_cut_gives_what_is_there(tmp_path) -> None:
    """A recorder that lost power leaves a WAV whose header promises too much: what it recorded is used."""
    values = np.arange(500, dtype="<i2")
    (tmp_path / "a.wav").write_bytes(_wav(values.tobytes(), claimed_bytes=4_000))
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", max_seconds=LONG).samples, values / np.float32(2**15))


def test_header_without_samples_is_no_samples(tmp_path) -> None:
    """A WAV file with a header and nothing after it decodes to nothing."""
    (tmp_path / "a.wav").write_bytes(_wav(b""))
    assert _refusal(tmp_path / "a.wav") == "no_samples"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_not_finite(value, tmp_path) -> None:
    """One NaN or infinity would spread over the whole spectrogram."""
    samples = np.zeros(2_000, dtype="<f4")
    samples[1_234] = value
    (tmp_path / "a.wav").write_bytes(_wav(samples.tobytes(), code=IEEE_FLOAT, bits=32))
    assert _refusal(tmp_path / "a.wav") == "not_finite"


def test_folder_is_unreadable(tmp_path) -> None:
    """A folder that is called like a song is a row, not a crash."""
    (tmp_path / "a.wav").mkdir()
    assert _refusal(tmp_path / "a.wav") == "unreadable"


def test_file_that_is_gone_is_unreadable(tmp_path) -> None:
    """A file that was listed and then removed is a row too."""
    assert _refusal(tmp_path / "a.wav") == "unreadable"


def test_file_without_permission_is_unreadable(audio_file) -> None:
    """A file that this user may not read is a row."""
    path = audio_file("a.wav")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert _refusal(path) == "unreadable"


@pytest.mark.parametrize(
    "header",
    [
        {"sample_rate": 0},
        {"sample_rate": 1},
        {"sample_rate": 2**31 - 1},
        {"sample_rate": 2**31},
        {"sample_rate": 2**32 - 1},
        {"channels": 0},
        {"channels": MAX_CHANNELS + 1},
        {"channels": 65_535},
        {"bits": 0},
        {"sample_rate": 2**31, "channels": 65_535, "claimed_bytes": 2**32 - 64},
    ],
    ids=str,
)
def test_absurd_header_is_not_audio(header, tmp_path) -> None:
    """Rates and channel counts that no music has are refused before any memory is taken for them."""
    (tmp_path / "a.wav").write_bytes(_wav(bytes(1_000), **header))
    tracemalloc.start()
    try:
        assert _refusal(tmp_path / "a.wav") == "not_audio"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("channels", [1, MAX_CHANNELS])
def test_claim_of_four_gigabytes_takes_no_memory(channels, tmp_path) -> None:
    """A kilobyte that claims to be four gigabytes is read as the kilobyte that it is."""
    (tmp_path / "a.wav").write_bytes(_wav(bytes(64 * 16), channels=channels, claimed_bytes=2**32 - 64))
    tracemalloc.start()
    try:
        assert len(decode(tmp_path / "a.wav", max_seconds=1e9).samples) == 512 // channels
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_claim_that_does_not_fit_in_memory_is_too_large(audio_file) -> None:
    """A compressed file may claim, within `max_seconds`, more than the memory holds: it is refused unread."""
    path = audio_file("a.flac")
    _with_stream_info(path, frames=EVERY_LENGTH, sample_rate=655_350, channels=8)
    tracemalloc.start()
    try:
        assert _refusal(path) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
