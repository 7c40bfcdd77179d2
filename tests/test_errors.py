"""The exception tree."""

from __future__ import annotations

import pickle
import re

import pytest

from soundatlas import errors
from soundatlas.errors import SoundatlasError, TrackError, describe_error


def _subclasses(kind: type[SoundatlasError]) -> list[type[SoundatlasError]]:
    return [found for child in kind.__subclasses__() for found in (child, *_subclasses(child))]


def _exit_codes_drawn() -> dict[str, int]:
    drawn = re.findall(r"^\s*(?:\| +)?(?:[|`]-- )?(\w+Error)\s+exit (\d)", errors.__doc__ or "", flags=re.MULTILINE)
    return {name: int(code) for name, code in drawn}


def _named_in_module() -> list[type[SoundatlasError]]:
    return [kind for kind in _subclasses(SoundatlasError) if kind.__module__ == errors.__name__]


def test_docstring_draws_every_exception() -> None:
    """A reader finds each of our exceptions in the tree at the top of the module."""
    undrawn = [kind.__name__ for kind in _named_in_module() if f"-- {kind.__name__} " not in (errors.__doc__ or "")]
    assert not undrawn


def test_docstring_draws_nothing_that_is_gone() -> None:
    """The tree names no exception that the module lacks."""
    drawn = set(re.findall(r"\w+Error\b", errors.__doc__ or ""))
    assert drawn == {"SoundatlasError", *(kind.__name__ for kind in _named_in_module())}


@pytest.mark.parametrize(("name", "code"), sorted(_exit_codes_drawn().items()))
def test_exit_code_is_the_one_drawn(name: str, code: int) -> None:
    """A process ends with the exit code that the tree promises."""
    assert getattr(errors, name).exit_code == code


def test_only_a_track_error_has_no_exit_code_drawn() -> None:
    """Each exception but `TrackError`, which becomes a row, has its exit code in the tree."""
    names = {"SoundatlasError", *(kind.__name__ for kind in _named_in_module())}
    assert names - set(_exit_codes_drawn()) == {"TrackError"}


def test_track_error_tells_reason_and_message() -> None:
    """The reason code and the sentence can be read apart, and stand together in the text."""
    error = TrackError("truncated", "ends after 3 of 4 frames")
    assert (error.reason, error.message) == ("truncated", "ends after 3 of 4 frames")
    assert str(error) == "truncated: ends after 3 of 4 frames"


def test_track_error_travels_between_processes() -> None:
    """A pickled `TrackError` comes back with its reason and message."""
    error = pickle.loads(pickle.dumps(TrackError("empty", "holds no bytes")))  # noqa: S301 - its own bytes
    assert (type(error), error.reason, error.message) == (TrackError, "empty", "holds no bytes")


@pytest.mark.parametrize(
    ("error", "said"), [(OSError("no\n  answer"), "OSError: no answer"), (TimeoutError(), "TimeoutError")]
)
def test_any_error_is_described_on_one_line(error, said) -> None:
    """Its kind, and its words where it has any, however they are laid out."""
    assert describe_error(error) == said
