"""Time that passes when somebody sleeps, and not otherwise."""

from __future__ import annotations

from soundatlas.sources.web.clock import Clock

NOON = 1_790_000_000.0  # seconds since 1970, of some day in 2026


class QuickTime:
    """A clock for tests.

    Attributes:
        slept: the waits so far, in seconds.
        clock: to be given to what waits.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = Clock(
            now=lambda: NOON + self.passed, monotonic=lambda: self.passed, sleep=self._sleep, chance=lambda: 0.5
        )
        self.passed = 0.0

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
