"""JSON as a script: what a page reads is what was meant, and nothing in it can end the script."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from synthetic_chart import HOSTILE

from soundatlas.atlas.script_text import Dictionary, as_script, packed, packed_categories, packed_floats


def value_of(script: str) -> object:
    """Return what a script assigns."""
    return json.loads(script.split("=", 1)[1].rstrip(";\n"))


@pytest.mark.parametrize("name", [*HOSTILE, "\ud800 half a surrogate", "\u2028", "</SCRIPT >", "<!--"])
def test_a_name_comes_back_as_it_was(name):
    """Whatever a tag holds is text again once the page has read it."""
    assert value_of(as_script("map", {"title": name})) == {"title": name}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_end_the_script(name):
    """The script is ASCII without angle brackets, so that neither a parser nor a charset can find anything in it."""
    script = as_script("map", [name])
    assert script.isascii()
    assert not set("<>&\u2028\u2029") & set(script)
    assert script.count("\n") == 1


def test_what_is_not_a_number_is_refused():
    """NaN is no JSON: a column that has some is packed."""
    with pytest.raises(ValueError, match="JSON"):
        as_script("map", [float("nan")])


def test_floats_are_packed_little_endian_with_their_gaps():
    """The page reads float32, a missing value as NaN, whatever the byte order they had here."""
    numbers = np.array([0.5, np.nan, -1], dtype=">f8")
    read = np.frombuffer(base64.b64decode(packed_floats(numbers)), dtype="<f4")
    np.testing.assert_array_equal(read, np.array([0.5, np.nan, -1], dtype=np.float32))
    assert base64.b64decode(packed(np.array([1], dtype=">u4"))) == b"\x01\x00\x00\x00"


def test_categories_keep_each_name_once():
    """Codes point into the names in the order of their coming; the one after the last is missing."""
    made = packed_categories(["jig", None, "reel", "jig"])
    assert made["values"] == ["jig", "reel"]
    assert np.frombuffer(base64.b64decode(made["codes"]), dtype="<u4").tolist() == [0, 2, 1, 0]


def test_a_dictionary_gives_one_code_to_equal_values():
    """A value that came before has the code that it had."""
    known = Dictionary()
    assert [known.code(each) for each in ("a", "b", "a")] == [0, 1, 0]
    assert known.values == ["a", "b"]
