"""Time as the web sources see it, so that a test can let an hour pass in no time."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Clock:
    """What waiting needs.

    Attributes:
        now: seconds since 1970, UTC.
        monotonic: seconds since some moment; never goes back.
        sleep: waits for a number of seconds.
        chance: a number between 0 and 1, for the jitter that keeps many clients from returning at once.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
