"""When a service says "later": how long, and when that is too long to wait for."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from soundatlas.errors import QuotaError

if TYPE_CHECKING:
    from soundatlas.sources.web.clock import Clock

LONGEST_WAIT_SECONDS = 60.0  # a person still watches; beyond, the run ends and is taken up again
UNTOLD_QUOTA_SECONDS = 3600.0  # until when a used-up quota is left alone where the service does not say
LONGEST_QUOTA_SECONDS = 7 * 86_400.0  # a header that says more is not believed
JITTER = 0.2  # of the wait, and at most this much of it on top


class Pause(Exception):  # noqa: N818 - it says when to go on, and never leaves this package
    """The service asks to be left alone for some seconds, few enough to wait for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def later(site: str, seconds: float | None, clock: Clock, *, used_up: bool = False) -> Pause | QuotaError:
    """Return what to raise when a service asks for a pause.

    Args:
        site: its name, for the message.
        seconds: how long it asks for, or None where it does not say.
        clock: for the time of day.
        used_up: it says that a quota is used up: then nothing short helps.
    """
    if not used_up and (seconds is None or seconds <= LONGEST_WAIT_SECONDS):
        return Pause(1.0 if seconds is None else seconds)
    wait = UNTOLD_QUOTA_SECONDS if seconds is None else seconds
    minutes = math.ceil((clock.now() + min(wait, LONGEST_QUOTA_SECONDS)) / 60)  # up: a person is told no seconds
    return QuotaError(f"{site} allows no more for now", datetime.fromtimestamp(minutes * 60, tz=UTC))


def retry_after_seconds(header: str | None, clock: Clock) -> float | None:
    """Read a `Retry-After` header: seconds, or a date; None where it is absent or unreadable."""
    if not header:
        return None
    try:
        return float(min(max(0, int(header.strip())), round(LONGEST_QUOTA_SECONDS)))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - clock.now())
    except (ValueError, OverflowError):  # the latter of a zone that no clock has
        return None


def with_jitter(seconds: float, clock: Clock) -> float:
    """Return a wait that is never shorter than asked for, and for no two clients the same."""
    return seconds + max(seconds, 1.0) * JITTER * clock.chance()
