"""An answer comes back from its packed form to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.history.answers import Answer

FLOATS = st.floats(allow_nan=False)
FLOATS32 = st.floats(width=32, allow_nan=False)


@given(st.dictionaries(st.text(), FLOATS, min_size=1), st.lists(FLOATS32, min_size=1), st.text(), FLOATS)
def test_a_row_comes_back_to_the_bit(probabilities, embedding, label, value):
    """Labels, probabilities in their order, values and embedding are what they were."""
    row = {"genre": label, "genre_probabilities": probabilities, "tempo_bpm": value, "embedding": embedding}
    back = Answer.of_row(row).row()
    assert back == {"status": "classified", "message": None, **row}
    assert list(back["genre_probabilities"]) == list(probabilities)
    assert math.copysign(1, back["tempo_bpm"]) == math.copysign(1, value)


def test_numbers_of_numpy_become_the_same_numbers_of_python():
    """A value that a library computed as float32 is held exactly, and as a plain number."""
    back = Answer.of_row({"x": np.float32(0.1), "known": np.bool_(1), "embedding": np.ones(2, np.float32)}).row()
    assert (type(back["x"]), back["x"]) == (float, float(np.float32(0.1)))
    assert back["known"] is True
    assert back["embedding"] == [1.0, 1.0]


def test_what_is_no_number_is_refused():
    """Nothing is stored that would not come back."""
    with pytest.raises(TypeError, match="set has no place"):
        Answer.of_row({"x": {1}, "embedding": []})


def test_a_failure_has_only_status_and_message():
    """What could not be heard has no labels."""
    assert Answer("too_short", "shorter than 1 s").row() == {"status": "too_short", "message": "shorter than 1 s"}
