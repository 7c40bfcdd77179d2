"""From a score to excerpts: music21 parses the file once, and the notes are kept for the renderer.

Times are in quarter notes. Repeats are not played out. Everything here runs in worker processes: music21 takes a
second to import.
"""

from __future__ import annotations

import gc
import json
import math
import random
import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from soundatlas.errors import TrackError
from soundatlas.files import write_text
from soundatlas.sources.demo_notice import read_notice
from soundatlas.sources.demo_piece import Piece, stable_hash, stable_share

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MIN_NOTES = 8  # fewer in an excerpt are not music to learn from
ROOM = 1.15  # an excerpt lies in a stretch of 1.15 times its length, so that it can start on a bar
TEMPO_VARIATION = 0.15  # at most 15 % faster or slower than the piece's usual tempo, seeded
SECONDS_PER_MINUTE = 60.0
TIME_DIGITS = 6  # a 256th triplet is 0.0104 quarters


@dataclass(frozen=True)
class Note:
    """A sounding note: onset and duration in quarters, MIDI pitch, and the part it belongs to."""

    onset: float
    duration: float
    pitch: int
    part: int


@dataclass(frozen=True)
class Plan:
    """What a piece yields at one clip length.

    Attributes:
        piece_id: of the piece.
        bpm: beats a minute, varied.
        quarters: length of the piece.
        starts: where each excerpt starts.
        notice: what the file prints about rights, or nothing.
        problem: why there is no excerpt, or nothing.
    """

    piece_id: str
    bpm: float
    quarters: float
    starts: list[float]
    notice: str
    problem: str


@dataclass(frozen=True)
class ScoreJob:
    """The pieces of one file to parse: picklable, for a worker."""

    file: Path
    pieces: tuple[tuple[Piece, Path], ...]  # a piece, and where its notes go
    clip_seconds: float


def parse_score(job: ScoreJob) -> list[Plan]:
    """Parse one file, write the notes and the plan of each of its pieces, and return the plans.

    Raises:
        TrackError: when the whole file cannot be parsed.
    """
    plans = []
    for piece, path in job.pieces:
        try:
            notice = read_notice(job.file)
            notes, bars, quarters = _cut_movement(*read_score(job.file, piece.number), piece.bars)
            plan = replace(plan_excerpts(piece, notes, bars, quarters, job.clip_seconds), notice=notice)
        except TrackError as error:
            notes, plan = [], Plan(piece.piece_id, piece.tempo.bpm, 0.0, [], "", error.message)
        write_plan(path, plan, notes)
        plans.append(plan)
    return plans


_read: dict[str, Any] = {}  # the last file that this worker parsed: a file with several movements is parsed once


def read_score(file: Path, number: int | None) -> tuple[list[Note], list[float], float]:
    """Parse a score.

    Args:
        file: MusicXML or ABC.
        number: of the tune in a file that holds many.

    Returns:
        The notes in order of onset, tied ones joined and grace notes left out; where each bar starts; the length.

    Raises:
        TrackError: with reason "no_score" when music21 finds no music in it.
    """
    name = f"{file}:{number}"
    if name not in _read:
        _read.clear()
        _read[name] = _parse(file, number)
    notes, bars, quarters = _read[name]
    return notes, bars, quarters


def _parse(file: Path, number: int | None) -> tuple[list[Note], list[float], float]:
    from music21 import converter, stream
    from music21.exceptions21 import Music21Exception

    gc.disable()  # a score is millions of objects that refer to each other: searching them meanwhile doubles the time
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 warns of every oddity of an old file
        try:
            score = converter.parse(file, number=number, forceSource=True)  # no pickles in the temporary folder
            parts = list(score.parts) or [score]
            notes = [note for index, part in enumerate(parts) for note in _join_ties(part.flatten().notes, index)]
        except (Music21Exception, ET.ParseError, ValueError) as error:  # not its kind of file, or damaged
            raise TrackError("no_score", f"music21 cannot parse it: {error}") from None
        finally:
            gc.enable()
    bars = [float(bar.offset) for bar in parts[0].getElementsByClass(stream.Measure)] or [0.0]
    quarters = max((float(part.highestTime) for part in parts), default=0.0)
    return sorted(notes, key=lambda note: (note.onset, note.part, note.pitch)), bars, quarters


def _join_ties(elements: Iterable[Any], part: int) -> list[Note]:
    """Walk a part: chords come apart, tied notes become one, grace notes and chord symbols are dropped."""
    from music21 import harmony

    notes: list[Note] = []
    sounding: dict[int, int] = {}  # pitch -> index of the note that a tie can lengthen
    for element in elements:
        duration = float(element.quarterLength)
        if duration <= 0 or isinstance(element, harmony.Harmony):
            continue
        onset = float(element.offset)
        for single in element.notes if element.isChord else [element]:
            if not hasattr(single, "pitch"):  # percussion without a pitch
                continue
            pitch = int(single.pitch.midi)
            tied = single.tie is not None and single.tie.type in {"stop", "continue"}
            before = sounding.get(pitch)
            if tied and before is not None and math.isclose(notes[before].onset + notes[before].duration, onset):
                start = notes[before].onset
                notes[before] = Note(start, round(onset + duration - start, TIME_DIGITS), pitch, part)
            else:
                sounding[pitch] = len(notes)
                notes.append(Note(round(onset, TIME_DIGITS), round(duration, TIME_DIGITS), pitch, part))
    return notes


def _cut_movement(
    notes: list[Note], bars: list[float], quarters: float, movement: tuple[int, int] | None
) -> tuple[list[Note], list[float], float]:
    """Keep what lies in the bars of one movement, counted from 1, and count its time from its start."""
    if movement is None:
        return notes, bars, quarters
    first, last = movement
    start = bars[first - 1]
    end = bars[last] if last < len(bars) else quarters
    within = [
        Note(round(note.onset - start, TIME_DIGITS), note.duration, note.pitch, note.part)
        for note in notes
        if start <= note.onset < end
    ]
    return within, [bar - start for bar in bars[first - 1 : last]], end - start


def plan_excerpts(piece: Piece, notes: list[Note], bars: list[float], quarters: float, clip_seconds: float) -> Plan:
    """Lay excerpts of `clip_seconds` side by side over the piece; each starts at a seeded bar of its stretch.

    A piece that is shorter than a clip has one excerpt, which starts at a seeded bar and goes round, as dance tunes
    are played. Excerpts with fewer than `MIN_NOTES` notes are left out.

    Raises:
        TrackError: with reason "no_score" when no excerpt remains.
    """
    variation = TEMPO_VARIATION * (2 * stable_share("tempo", piece.piece_id) - 1)
    bpm = round(piece.tempo.bpm * math.exp(variation), 1)
    needed = clip_seconds * bpm * piece.tempo.beat_quarters / SECONDS_PER_MINUTE
    if not notes:
        raise TrackError("no_score", "the score holds no notes")
    starts = []
    count = max(1, math.floor(quarters / (needed * ROOM)))
    for index in range(count):
        earliest = quarters * index / count
        latest = quarters * (index + 1) / count - needed if quarters >= needed else quarters
        within = [bar for bar in bars if earliest <= bar <= latest and bar < quarters]
        draw = random.Random(stable_hash("start", piece.piece_id, index))  # noqa: S311 - a seeded draw, not a secret
        start = round(draw.choice(within) if within else draw.uniform(earliest, latest), TIME_DIGITS)
        if len(take_excerpt(notes, quarters, start, needed)) >= MIN_NOTES:
            starts.append(start)
    if not starts:
        raise TrackError("no_score", f"no {clip_seconds:g} s of it hold {MIN_NOTES} notes")
    return Plan(piece.piece_id, bpm, round(quarters, TIME_DIGITS), starts, "", "")


def take_excerpt(notes: list[Note], quarters: float, start: float, needed: float) -> list[Note]:
    """Return the notes that begin in `needed` quarters from `start`, timed from there; past the end it goes round."""
    taken = []
    for turn in range(math.ceil((start + needed) / quarters)):
        shift = turn * quarters - start
        for note in notes:
            onset = note.onset + shift
            if 0 <= onset < needed:
                taken.append(Note(onset, note.duration, note.pitch, note.part))
    return taken


def write_plan(path: Path, plan: Plan, notes: list[Note]) -> None:
    """Keep a piece's plan as the first line of a file, and its notes as the second."""
    columns = [[note.onset, note.duration, note.pitch, note.part] for note in notes]
    write_text(path, f"{json.dumps(asdict(plan))}\n{json.dumps(columns)}\n")


def read_plan(path: Path) -> Plan | None:
    """Read the plan that `write_plan` wrote, or nothing where there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return Plan(**json.loads(file.readline()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def read_notes(path: Path) -> list[Note]:
    """Read the notes that `write_plan` wrote."""
    with path.open(encoding="utf-8") as file:
        file.readline()
        return [Note(*columns) for columns in json.loads(file.readline())]
