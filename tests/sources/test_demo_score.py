"""From scores to excerpts, to MIDI and to what is said of them."""

from __future__ import annotations

import io

import mido
import pytest

from soundatlas.errors import TrackError
from soundatlas.sources.demo_corpus import corpus_folder
from soundatlas.sources.demo_notice import read_notice
from soundatlas.sources.demo_piece import Piece, Tempo
from soundatlas.sources.demo_render import estimate_key, write_midi
from soundatlas.sources.demo_score import (
    Note,
    ScoreJob,
    parse_score,
    plan_excerpts,
    read_notes,
    read_plan,
    read_score,
    take_excerpt,
)
from soundatlas.sources.demo_tunes import read_key, read_tempo, tune_key, tune_title

PIECE = Piece(
    artist="bach",
    path="bach/x.mxl",
    album="",
    work="",
    title="",
    genre="chorale",
    genre_provenance="corpus",
    year=None,
    year_provenance="estimate",
    tempo=Tempo(120, 1.0),
    credit="",
)
BARS = [4.0 * bar for bar in range(100)]
NOTES = [Note(float(quarter), 1.0, 60 + quarter % 12, 0) for quarter in range(400)]


def test_excerpts_of_a_long_piece_do_not_overlap_and_start_on_bars():
    """Fifteen seconds at about 120 beats: each excerpt ends before the next begins."""
    plan = plan_excerpts(PIECE, NOTES, BARS, 400.0, 15.0)
    needed = 15.0 * plan.bpm / 60
    assert len(plan.starts) >= 10
    assert set(plan.starts) <= set(BARS)
    assert all(later - earlier >= needed for earlier, later in zip(plan.starts, plan.starts[1:], strict=False))
    assert plan.starts[-1] + needed <= 400


def test_a_short_piece_goes_round():
    """A tune that is shorter than the clip has one excerpt, which repeats it without a gap."""
    plan = plan_excerpts(PIECE, NOTES[:16], BARS[:4], 16.0, 15.0)
    assert len(plan.starts) == 1
    taken = take_excerpt(NOTES[:16], 16.0, plan.starts[0], 30.0)
    assert sorted(note.onset for note in taken) == [float(quarter) for quarter in range(30)]


def test_a_piece_without_enough_notes_is_no_score():
    """Almost silent pieces are refused with a reason code."""
    with pytest.raises(TrackError, match="no_score"):
        plan_excerpts(PIECE, NOTES[:5], BARS, 400.0, 15.0)
    with pytest.raises(TrackError, match="no_score"):
        plan_excerpts(PIECE, [], BARS, 400.0, 15.0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.xml", b"<score-partwise><part-list>"),
        ("junk.mxl", b"junk"),
        ("empty.xml", b'<?xml version="1.0"?><score-partwise version="3.0"><part-list/></score-partwise>'),
    ],
)
def test_a_file_that_is_no_score_is_a_plan_without_excerpts(tmp_path, name, content):
    """A damaged score is remembered as one that holds nothing, with the reason; it does not end the run."""
    file, notes = tmp_path / name, tmp_path / "notes.json"
    file.write_bytes(content)
    [plan] = parse_score(ScoreJob(file, ((PIECE, notes),), 15.0))
    assert plan.starts == []
    assert plan.problem
    assert read_plan(notes) == plan
    assert read_notes(notes) == []


def test_a_file_says_whose_edition_it_is():
    """The words of the file itself, in UTF-8 or UTF-16; nothing where it prints nothing."""
    corpus = corpus_folder()
    assert read_notice(corpus / "bach" / "bwv253.mxl") == "PDF © 2004 Margaret Greentree, used by permission"
    assert read_notice(corpus / "haydn" / "opus1no1" / "movement1.mxl") == ""
    assert read_notice(corpus / "airdsAirs" / "book1.abc") == ""


@pytest.mark.parametrize("number", range(1, 9))
def test_a_file_that_reserves_its_rights_is_refused(number):
    """All of Monteverdi's fifth book is Ut Orpheus': even listed, it would not be used."""
    with pytest.raises(TrackError, match="rights are reserved"):
        read_notice(corpus_folder() / "monteverdi" / f"madrigal.5.{number}.mxl")


def test_tied_notes_are_one_and_grace_notes_none(tmp_path):
    """A tie lengthens the note before; a grace note has no length and is left out."""
    file = tmp_path / "tie.abc"
    file.write_text("X:1\nT:Tie\nM:4/4\nL:1/4\nK:C\nC2 D E-|E {c}F G A|\n", encoding="utf-8")
    notes, bars, quarters = read_score(file, 1)
    assert [(note.onset, note.duration, note.pitch) for note in notes] == [
        (0.0, 2.0, 60), (2.0, 1.0, 62), (3.0, 2.0, 64), (5.0, 1.0, 65), (6.0, 1.0, 67), (7.0, 1.0, 69)
    ]  # fmt: skip
    assert (bars, quarters) == ([0.0, 4.0], 8.0)


def test_movements_of_one_file_are_cut_at_their_bars(tmp_path):
    """Two movements of a quartet that is one file: each starts at zero and neither holds the other's notes."""
    file = corpus_folder() / "haydn" / "opus1no1" / "movement4.mxl"
    notes, bars, quarters = read_score(file, None)
    movements = [Piece(**{**vars(PIECE), "bars": (first, last)}) for first, last in ((1, 20), (21, len(bars)))]
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    plans = parse_score(ScoreJob(file, tuple(zip(movements, paths, strict=True)), 3.0))
    assert sum(plan.quarters for plan in plans) == pytest.approx(quarters)
    parts = [read_notes(path) for path in paths]
    assert len(parts[0]) + len(parts[1]) == len(notes)
    assert min(note.onset for note in parts[1]) < 4


def test_midi_holds_every_note_and_ends_with_the_clip():
    """Each note begins once, a part has its own channel and program, nothing sounds past the end."""
    notes = [Note(0.0, 1.0, 72, 0), Note(0.0, 9.0, 48, 1), Note(1.0, 1.0, 74, 0)]
    content = write_midi(notes, 4.0, 500_000, (40, 42), seed="x")
    assert content == write_midi(notes, 4.0, 500_000, (40, 42), seed="x")
    [track] = mido.MidiFile(file=io.BytesIO(content)).tracks
    begun = [message for message in track if message.type == "note_on"]
    assert sorted((message.note, message.channel) for message in begun) == [(48, 1), (72, 0), (74, 0)]
    programs = {message.channel: message.program for message in track if message.type == "program_change"}
    assert programs == {0: 40, 1: 42}
    assert sum(message.time for message in track) == 4 * 480


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        ((60, 62, 64, 65, 67, 69, 71, 72, 67, 60), ("C", "major")),
        ((57, 59, 60, 62, 64, 65, 68, 69, 64, 57), ("A", "minor")),
    ],
)
def test_keys_are_estimated_from_the_notes(pitches, key):
    """A scale with its tonic and fifth is heard in its key."""
    assert estimate_key([Note(float(place), 1.0, pitch, 0) for place, pitch in enumerate(pitches)]) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("G", ("G", "major")), ("Bb", ("B-", "major")), ("F#m", ("F#", "minor")), ("E Minor", ("E", "minor")),
        ("Edor", ("E", "dorian")), ("A Mixolydian", ("A", "mixolydian")), ("EM", ("E", "major")),
        ("AMix", ("A", "mixolydian")), ("Hp", (None, None)), ("", (None, None)),
    ],
)  # fmt: skip
def test_abc_keys_are_read(text, key):
    """Tonic and mode of a `K:` field; what is no key is missing."""
    assert read_key(text) == key


@pytest.mark.parametrize(
    ("mark", "metre", "genre", "tempo"),
    [
        ("1/2=112", "C|", "air", Tempo(112, 2.0)),
        ('3/8=120 "Allegro"', "6/8", "air", Tempo(120, 1.5)),
        ("", "2/4", "reel", Tempo(108, 1.0)),
        ("", "C|", "reel", Tempo(108, 2.0)),
        ("", "6/8", "jig", Tempo(112, 1.5)),
        ("", "3/4", "air", Tempo(84, 1.0)),
        ("", "", "hornpipe", Tempo(92, 2.0)),
    ],
)
def test_abc_tempi_are_read_or_usual(mark, metre, genre, tempo):
    """A `Q:` field counts; without one, dances go at their usual speed, two beats to a bar."""
    assert read_tempo(mark, metre, genre) == tempo


def test_titles_are_as_one_would_say_them_and_settings_of_a_tune_share_a_work():
    """The dance, capitals and inverted articles go; punctuation and articles do not make another work."""
    assert tune_title("Acacia -- Reel") == "Acacia"
    assert tune_title("LANIGAN'S BALL") == "Lanigan's Ball"
    assert tune_title("Bag Of Meal, The") == "The Bag Of Meal"
    assert tune_key("The White Cockade.") == tune_key("White Cockade, The -- Reel") == "white cockade"
