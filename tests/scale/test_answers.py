"""What workers heard waits in files, whole and by name, until somebody takes it."""

from __future__ import annotations

import pytest

from soundatlas.attempts import Attempt
from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey
from soundatlas.scale.answers import Said, answers_place, take_said, write_said
from soundatlas.scale.places import Place

SAID = [
    Said("a" * 64, Answer.of_row({"genre": "reel", "genre_confidence": 0.1 + 0.2, "embedding": [0.25, 0.5]})),
    Said("b" * 64, Answer("not_audio", "no music: ä")),
    Said("c" * 64, None, {"gone.wav": Answer("unreadable", "No such file")}),
    Said("d" * 64, None, {}, "the bundle computes 1 dB more here"),
    Said("e" * 64, Answer("not_audio", "no music"), attempts=(Attempt(1.5, 0.25, None),)),
]


@pytest.fixture
def place(tmp_path):
    """Give a place for the answers of one model."""
    return answers_place(Place(str(tmp_path)), ModelKey("m" * 64, "c" * 64))


def test_what_is_written_comes_back_once(place):
    """Answers, failures and faults come back to the bit, in order; what was taken is gone."""
    for said in reversed(SAID):
        write_said(place, said)
        write_said(place, said)  # a piece of work that was given to two workers
    assert list(take_said(place)) == SAID
    assert list(take_said(place)) == []


def test_who_is_interrupted_while_taking_loses_nothing(place):
    """An answer goes only once the one after it is asked for: what was not kept is still there."""
    for said in SAID:
        write_said(place, said)
    taking = take_said(place)
    assert [next(taking), next(taking)] == SAID[:2]
    taking.close()
    assert list(take_said(place)) == SAID[1:]


def test_answers_of_models_do_not_mix(place, tmp_path):
    """Another model, or the same one fed otherwise, has a place of its own."""
    write_said(place, SAID[0])
    other = answers_place(Place(str(tmp_path)), ModelKey("m" * 64, "d" * 64))
    assert list(take_said(other)) == []
