"""What workers of a cluster meet, for tests: decoders that crash, and disks that are away for a moment."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from soundatlas.errors import TrackError
from soundatlas.store.rows import describe

if TYPE_CHECKING:
    from soundatlas.store.jobs import Job
    from soundatlas.store.rows import Described

CRASHER = "crasher.wav"


def describe_or_crash(job: Job) -> Described:
    """Compute a spectrogram, but die of one file."""
    if job.path == CRASHER:
        os.kill(os.getpid(), signal.SIGSEGV)
    return describe(job)


def unreadable_at_first(job: Job) -> Described:
    """Compute a spectrogram at the second attempt: beside the audio lies a mark of the first one."""
    mark = job.root / f"{job.path}.seen"
    if not mark.exists():
        mark.touch()
        raise TrackError("unreadable", "Stale file handle")
    return describe(job)


def unreadable(item: str) -> str:
    """Note an attempt in the file that the item names, and fail for a reason that may pass."""
    with open(item, "a", encoding="utf-8") as file:  # noqa: PTH123 - the item is a path, as text
        file.write("attempt\n")
    raise TrackError("unreadable", "Input/output error")
