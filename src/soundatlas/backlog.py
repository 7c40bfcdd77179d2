"""How much of what workers made waits for its turn, so that memory does not grow with what one item makes."""

from __future__ import annotations

import threading


class Backlog:
    """Counts the bytes of values that wait to be taken; above a limit, only the item that all wait for may begin.

    Args:
        most_bytes: the limit.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._held = self._taken = 0
        self._stopped = False

    def wait_for_room(self, number: int) -> None:
        """Return when the item of this number, counted from 0, may begin."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or number == self._taken or self._held < self._most_bytes)

    def hold(self, size: int) -> None:
        """Count a value that waits from now on."""
        with self._changed:
            self._held += size

    def release(self, size: int) -> None:
        """Discount the value that was taken; the next one's turn has come."""
        with self._changed:
            self._held -= size
            self._taken += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Let all go on who wait: their workers are stopped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
