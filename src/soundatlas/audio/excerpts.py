"""A short excerpt of a track as a small Opus file, to be heard in a browser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from soundatlas.audio.decode import decode
from soundatlas.audio.ogg import with_serial

if TYPE_CHECKING:
    from pathlib import Path

RATE = 24_000  # Hz: one of those that Opus knows; at its usual rate for mono, more would not be heard
LEAD_SECONDS = 30.0  # of a long track, that much is passed over: many begin softly
SERIAL = 1  # of the stream: equal sound gives equal bytes
FADE_SECONDS = 0.02  # at both ends, against a click


def write_excerpt(source: Path, target: Path, *, seconds: float) -> None:
    """Write at most `seconds` of a track, mixed to mono, as Ogg/Opus (RFC 7845), some 40 kbit/s.

    Taken from 30 s on, or from as late as the track allows.

    Raises:
        TrackError: when the track cannot be decoded.
    """
    decoded = decode(source, max_seconds=LEAD_SECONDS + seconds)
    length = round(seconds * decoded.sample_rate)
    samples = soxr.resample(decoded.samples[-length:], decoded.sample_rate, RATE)
    fade = np.linspace(0, 1, min(len(samples), round(FADE_SECONDS * RATE)), dtype=np.float32)
    samples[: len(fade)] *= fade
    samples[len(samples) - len(fade) :] *= fade[::-1]
    file = io.BytesIO()
    soundfile.write(file, samples.clip(-1, 1), RATE, format="OGG", subtype="OPUS")
    target.write_bytes(with_serial(file.getvalue(), SERIAL))
