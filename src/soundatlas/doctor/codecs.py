"""The audio formats: a tone of each is decoded, and must be the tone that was written.

The samples beside this module are half a second of a 440 Hz sine at half of full scale, written with soundfile.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.doctor.finding import Finding, Status
from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from soundatlas.audio.decode import Decoded

SAMPLES = Path(__file__).parent / "samples"
FORMATS = ("wav", "flac", "ogg", "mp3", "opus")
TONE_HERTZ, MAX_HERTZ_OFF = 440.0, 5.0
TONE_SECONDS, MAX_SECONDS_OFF = 0.5, 0.1  # encoders of lossy formats pad
MAX_SECONDS = 10.0


def check_codecs(_root: Path) -> list[Finding]:
    """Say which audio formats can be read here."""
    problems = {name: problem for name in FORMATS if (problem := _problem(SAMPLES / f"tone.{name}"))}
    todo = "`make setup`; if it stays: `pip install --force-reinstall soundfile`"
    faults = [Finding("codecs", Status.FAULT, f"{name}: {problem}", todo) for name, problem in problems.items()]
    if len(problems) == len(FORMATS):
        return faults
    sound = ", ".join(name for name in FORMATS if name not in problems)
    return [Finding("codecs", Status.OK, f"{sound}: a test tone decodes as it should"), *faults]


def _problem(path: Path) -> str | None:
    """Say what is wrong with a decoded sample, or None."""
    from soundatlas.audio.decode import decode

    try:
        decoded = decode(path, max_seconds=MAX_SECONDS)
    except TrackError as error:
        return error.message
    if abs(decoded.duration_seconds - TONE_SECONDS) > MAX_SECONDS_OFF:
        return f"the test tone lasts {decoded.duration_seconds:.2f} s instead of {TONE_SECONDS:g} s"
    heard = _dominant_hertz(decoded)
    if abs(heard - TONE_HERTZ) > MAX_HERTZ_OFF:
        return f"the test tone has {heard:.0f} Hz instead of {TONE_HERTZ:.0f} Hz"
    return None


def _dominant_hertz(decoded: Decoded) -> float:
    import numpy as np

    spectrum = np.abs(np.fft.rfft(decoded.samples * np.hanning(len(decoded.samples))))
    return float(np.fft.rfftfreq(len(decoded.samples), 1 / decoded.sample_rate)[spectrum.argmax()])
