"""A function for workers that takes its process down the first time, and does well the second."""

from __future__ import annotations

import os


def crash_once(marker: str) -> str:
    """Take the process down, unless the marker says that this was done before."""
    if not os.path.exists(marker):  # noqa: PTH110 - a module that imports little
        os.close(os.open(marker, os.O_CREAT))
        os._exit(7)
    return "fine"
