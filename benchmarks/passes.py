"""Timed passes over the same clips, in a process that stays warm between them."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READY = "ready"


def serve_passes(classify: Callable[[str], Any], clips: Sequence[str]) -> None:
    """Classify the first clip to warm up; then, for each line on stdin, all of them, and print the seconds."""
    classify(clips[0])
    print(READY, flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        for clip in clips:
            classify(clip)
        print(time.perf_counter() - begun, flush=True)


class Rival:
    """Another way of classifying the clips, in a process of its own that waits between passes."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._read_until(READY)

    def seconds(self) -> float:
        """Return the seconds of one pass over all clips."""
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it is a pipe
        stdin.write("again\n")
        stdin.flush()
        return float(self._read_until(None))

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _read_until(self, wanted: str | None) -> str:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it is a pipe
        for line in stdout:
            if wanted in {None, line.strip()}:
                return line
        raise RuntimeError(f"{self._process.args!r} ended with code {self._process.wait()}")
