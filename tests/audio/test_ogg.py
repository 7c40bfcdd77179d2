"""Ogg files that are the same bytes each time."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from soundatlas.audio.ogg import with_serial


def opus(seconds: float = 3.0) -> bytes:
    """Return a tone as Ogg/Opus; the encoder draws a number for the stream."""
    time = np.arange(int(seconds * 24_000)) / 24_000
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * 440 * time), 24_000, format="OGG", subtype="OPUS")
    return file.getvalue()


def test_two_encodings_of_one_sound_become_one():
    """They differ by the stream's number, and are equal with a number that is given."""
    first, second = opus(), opus()
    assert first != second
    assert with_serial(first, 7) == with_serial(second, 7) != with_serial(first, 8)


def test_the_checksums_are_right():
    """A decoder that checks them reads the same samples; given its own number, a file is unchanged."""
    content = opus()
    own = int.from_bytes(content[14:18], "little")
    assert with_serial(content, own) == content
    samples, rate = soundfile.read(io.BytesIO(with_serial(content, 1)))
    expected, _ = soundfile.read(io.BytesIO(content))
    assert rate == 24_000
    np.testing.assert_array_equal(samples, expected)


def test_what_is_no_ogg_file_is_refused():
    """Junk, also after a whole page, is named by its place."""
    with pytest.raises(ValueError, match="no Ogg page begins at byte 0"):
        with_serial(b"no ogg", 1)
    content = opus(0.5)
    with pytest.raises(ValueError, match=f"no Ogg page begins at byte {len(content)}"):
        with_serial(content + b"junk", 1)
