"""How often an item is tried, whoever works on it."""

from __future__ import annotations

import pytest

from soundatlas.attempts import Attempt, Outcome, persist
from soundatlas.errors import TrackError


def failing(*reasons: str | None) -> tuple[list[str | None], Outcome[str, str]]:
    """Let attempts fail for these reasons in turn, None being success, with two retries; return those not reached."""
    left = list(reasons)

    def attempt() -> Outcome[str, str]:
        reason = left.pop(0)
        failure = None if reason is None else TrackError(reason, "no luck")
        return Outcome("item", None if failure else "value", failure, (Attempt(0.0, 1.0, failure),))

    return left, persist(attempt, retries=2)


@pytest.mark.parametrize(
    ("reasons", "message", "attempts"),
    [
        ((None,), None, 1),
        (("timeout", None), None, 2),
        (("unreadable", "crashed", "timeout", None), "no luck, after 3 attempts", 3),
        (("not_audio", None), "no luck", 1),
        (("crashed", "not_audio", None), "no luck, after 2 attempts", 2),
    ],
)
def test_what_may_pass_is_tried_again_so_often(reasons, message, attempts):
    """An item is given up for a reason that stays, or after so many retries, and its failure says after how many."""
    left, outcome = failing(*reasons)
    assert len(left) == len(reasons) - attempts
    assert (outcome.failure and outcome.failure.message) == message
    assert (outcome.value is None) == (message is not None)
    assert len(outcome.attempts) == attempts
