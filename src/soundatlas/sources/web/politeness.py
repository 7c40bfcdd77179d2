"""No more requests per host than a service allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrate_limiter import InMemoryBucket, Rate, RateItem

if TYPE_CHECKING:
    from soundatlas.sources.web.clock import Clock


class Politeness:
    """Waits before a request where the host has had its share.

    Args:
        rate: (requests, seconds), or None for no limit.
        clock: for the time, and for waiting.
    """

    def __init__(self, rate: tuple[int, float] | None, clock: Clock) -> None:
        self._rate = None if rate is None else Rate(rate[0], round(rate[1] * 1000))
        self._clock = clock
        self._buckets: dict[str, InMemoryBucket] = {}

    def wait_for(self, host: str) -> None:
        """Return when one more request to `host` is within the rate."""
        if self._rate is None:
            return
        bucket = self._buckets.setdefault(host, InMemoryBucket([self._rate]))
        while not bucket.put(item := RateItem(host, round(self._clock.monotonic() * 1000))):
            wait_ms = bucket.waiting(item)
            self._clock.sleep(max(1, wait_ms if isinstance(wait_ms, int) else 1) / 1000)
        bucket.leak(item.timestamp)
