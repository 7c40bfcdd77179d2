"""From an excerpt's notes to an audio file, and what is true of the rendering. Runs in worker processes."""

from __future__ import annotations

import functools
import io
import math
import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.errors import TrackError
from soundatlas.files import read_json, replacing_file, sha256_file, write_json
from soundatlas.sources.demo_choice import ENSEMBLES
from soundatlas.sources.demo_piece import stable_hash
from soundatlas.sources.demo_score import SECONDS_PER_MINUTE, Note, read_notes, take_excerpt

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

TICKS_PER_QUARTER = 480
MICROSECONDS_PER_MINUTE = 60_000_000
DRUM_CHANNEL = 9
CHANNELS = 15  # of MIDI's 16, without the drums
VELOCITY = 96  # of 127
VELOCITY_SPREAD = 8  # seeded, so that no two notes are struck alike
ALL_SOUND_OFF = 120  # MIDI controller
DETACHED = 0.95  # share of a note's length that sounds
TARGET_RMS = 10 ** (-23 / 20)  # -23 dB below full scale: room for the peaks of plucked instruments
HIGHEST_PEAK = 0.95  # of full scale
FADE_IN_SECONDS = 0.01
FADE_OUT_SECONDS = 0.25
FACT_DIGITS = 4

# How well each pitch class fits a key on C: Krumhansl & Kessler, Psychological Review 89 (1982).
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
MAJOR_TONICS = ("C", "D-", "D", "E-", "E", "F", "F#", "G", "A-", "A", "B-", "B")
MINOR_TONICS = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")


@dataclass(frozen=True)
class Facts:
    """What is known of a rendered clip; `estimated_key` is the tonic, such as "B-"."""

    audio_sha256: str
    size_bytes: int
    duration_seconds: float
    tempo_bpm: float
    notes_per_second: float
    polyphony: float
    mean_pitch: float
    estimated_key: str
    estimated_mode: str


@dataclass(frozen=True)
class RenderJob:
    """One clip to render: picklable, for a worker."""

    source_id: str
    notes_path: Path
    quarters: float
    start: float
    bpm: float
    beat_quarters: float
    ensemble: str
    clip_seconds: float
    sample_rate: int
    soundfont: Path
    audio_path: Path
    facts_path: Path


def render_clip(job: RenderJob) -> Facts:
    """Render one clip to FLAC and write its facts beside; the facts come last, so that they vouch for the file."""
    quarter_microseconds = round(MICROSECONDS_PER_MINUTE / (job.bpm * job.beat_quarters))
    needed = job.clip_seconds * MICROSECONDS_PER_MINUTE / SECONDS_PER_MINUTE / quarter_microseconds
    notes = take_excerpt(read_notes(job.notes_path), job.quarters, job.start, needed)
    programs = ENSEMBLES[job.ensemble].programs
    midi = write_midi(notes, needed, quarter_microseconds, programs, seed=job.source_id)
    samples = _play(midi, job.soundfont, job.sample_rate, job.clip_seconds)
    _write_flac(job.audio_path, samples, job.sample_rate)
    key, mode = estimate_key(notes)
    facts = Facts(
        audio_sha256=sha256_file(job.audio_path),
        size_bytes=job.audio_path.stat().st_size,
        duration_seconds=len(samples) / job.sample_rate,
        tempo_bpm=round(MICROSECONDS_PER_MINUTE / quarter_microseconds / job.beat_quarters, FACT_DIGITS),
        notes_per_second=round(len(notes) / job.clip_seconds, FACT_DIGITS),
        polyphony=round(sum(min(note.duration, needed - note.onset) for note in notes) / needed, FACT_DIGITS),
        mean_pitch=round(sum(note.pitch for note in notes) / len(notes), FACT_DIGITS),
        estimated_key=key,
        estimated_mode=mode,
    )
    write_json(job.facts_path, asdict(facts))
    return facts


def read_facts(facts_path: Path, audio_path: Path) -> Facts | None:
    """Read the facts of a clip that is there and whole, byte for byte; nothing otherwise."""
    try:
        facts = Facts(**read_json(facts_path))
        whole = audio_path.stat().st_size == facts.size_bytes and sha256_file(audio_path) == facts.audio_sha256
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return facts if whole else None


def write_midi(
    notes: list[Note], quarters: float, quarter_microseconds: int, programs: tuple[int, ...], *, seed: str
) -> bytes:
    """Write a MIDI file: one channel per part, the ensemble's programs spread from the highest part to the lowest.

    Args:
        notes: timed in quarters from the start.
        quarters: length of the file; what still sounds then is cut.
        quarter_microseconds: length of a quarter.
        programs: of the ensemble.
        seed: of the small differences in loudness.
    """
    import mido

    draw = random.Random(stable_hash("velocity", seed))  # noqa: S311 - a seeded draw, not a secret
    last_tick = round(quarters * TICKS_PER_QUARTER)
    events: list[tuple[int, int, Any]] = []  # (tick, programs before ends before beginnings, message)
    parts = _from_high_to_low(notes)
    channels = {part: place % CHANNELS + (place % CHANNELS >= DRUM_CHANNEL) for place, part in enumerate(parts)}
    for place, part in enumerate(parts):
        program = programs[place * len(programs) // len(parts)]
        events.append((0, 0, mido.Message("program_change", channel=channels[part], program=program)))
    for note in notes:
        begin = round(note.onset * TICKS_PER_QUARTER)
        end = max(begin + 1, round((note.onset + note.duration * DETACHED) * TICKS_PER_QUARTER))
        velocity = VELOCITY + draw.randint(-VELOCITY_SPREAD, VELOCITY_SPREAD)
        sound = {"channel": channels[note.part], "note": note.pitch}
        events.append((begin, 2, mido.Message("note_on", velocity=velocity, **sound)))
        events.append((min(end, last_tick), 1, mido.Message("note_off", **sound)))
    events.append((last_tick, 3, mido.Message("control_change", control=ALL_SOUND_OFF)))  # the player plays up to it
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=quarter_microseconds)])
    before = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - before))
        before = tick
    content = io.BytesIO()
    mido.MidiFile(ticks_per_beat=TICKS_PER_QUARTER, tracks=[track]).save(file=content)
    return content.getvalue()


def _from_high_to_low(notes: list[Note]) -> list[int]:
    """Order the parts by their mean pitch."""
    pitches: dict[int, list[int]] = {}
    for note in notes:
        pitches.setdefault(note.part, []).append(note.pitch)
    return sorted(pitches, key=lambda part: (-sum(pitches[part]) / len(pitches[part]), part))


@functools.cache
def _soundfont(path: Path) -> bytes:
    """Read the instruments once in a worker."""
    return path.read_bytes()


def _play(midi: bytes, soundfont: Path, sample_rate: int, seconds: float) -> np.ndarray[Any, Any]:
    """Play a MIDI file: exactly `seconds` of mono at `sample_rate`, faded at both ends, all clips equally loud."""
    import midirenderer
    import numpy as np
    import soundfile
    import soxr

    wave = midirenderer.render_wave_from(_soundfont(soundfont), midi)
    stereo, rate = soundfile.read(io.BytesIO(wave), dtype="float64", always_2d=True)
    mono = soxr.resample((stereo[:, 0] + stereo[:, 1]) / 2, rate, sample_rate, quality="HQ")
    count = round(seconds * sample_rate)
    samples = np.zeros(count)
    samples[: min(count, len(mono))] = mono[:count]
    rms = math.sqrt(float(np.mean(samples**2)))
    if rms == 0:
        raise TrackError("no_score", "the rendering is silent")
    samples *= min(TARGET_RMS / rms, HIGHEST_PEAK / float(np.max(np.abs(samples))))
    fade_in, fade_out = round(FADE_IN_SECONDS * sample_rate), round(FADE_OUT_SECONDS * sample_rate)
    samples[:fade_in] *= np.linspace(0, 1, fade_in)
    samples[-fade_out:] *= np.linspace(1, 0, fade_out)
    return samples


def _write_flac(path: Path, samples: np.ndarray[Any, Any], sample_rate: int) -> None:
    """Write 16-bit mono FLAC."""
    import soundfile

    with replacing_file(path) as beside:
        soundfile.write(beside, samples, sample_rate, format="FLAC", subtype="PCM_16")


def estimate_key(notes: list[Note]) -> tuple[str, str]:
    """Estimate tonic and mode of an excerpt: the Krumhansl-Kessler profile that its durations correlate with best."""
    import numpy as np

    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += note.duration
    best = max(
        (float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1]), mode, names[tonic])
        for mode, profile, names in (
            ("major", MAJOR_PROFILE, MAJOR_TONICS),
            ("minor", MINOR_PROFILE, MINOR_TONICS),
        )
        for tonic in range(12)
    )
    return best[2], best[1]
