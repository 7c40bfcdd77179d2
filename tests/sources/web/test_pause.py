"""How long a service asks to be left alone, whatever its header holds."""

from __future__ import annotations

import pytest

from soundatlas.sources.web.pause import retry_after_seconds
from tests.fakes.time import QuickTime


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "9" * 5000, "Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999"],
)
def test_what_says_no_time_is_no_time(header: str | None) -> None:
    """A header that is absent or unreadable asks for no certain pause, and is no crash."""
    assert retry_after_seconds(header, QuickTime().clock) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("-5", 0.0), ("9999999999", 7 * 86_400.0), ("Mon, 01 Jan 1990 00:00:00 -0000", 0.0)],
)
def test_seconds_and_dates_are_read(header: str, seconds: float) -> None:
    """A number is believed up to a week, and what lies in the past asks for nothing."""
    assert retry_after_seconds(header, QuickTime().clock) == seconds
