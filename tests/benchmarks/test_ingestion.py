"""What listing tracks of Spotify takes."""

from __future__ import annotations

import pytest

from benchmarks.ingestion import fewest_requests, run


def test_the_fewest_requests_are_counted() -> None:
    """A page per 50 tracks, and one refusal, or one batch per 100 tracks."""
    assert fewest_requests("dev2026", 10_000) == 201
    assert fewest_requests("extended", 10_000) == 300
    assert fewest_requests("dev2026", 51) == 3


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["dev2026", "extended"])
def test_no_request_is_made_that_need_not_be(profile: str) -> None:
    """The first run makes the fewest possible requests, the second one none; both list every track."""
    first, second = run(profile, 260)
    assert (first["tracks"], second["tracks"]) == (260, 260)
    assert first["requests"] == first["fewest"] == fewest_requests(profile, 260)
    assert second["requests"] == 0
