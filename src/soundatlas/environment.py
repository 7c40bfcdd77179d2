"""What heavy packages read from the environment when they are imported."""

from __future__ import annotations

import contextlib
import os
import sys

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow's faults come as exceptions; its C++ log speaks of missing GPUs
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN sums in an order of its own choice
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def quieten() -> None:
    """Set what TensorFlow and MLflow read when they are imported, unless the user has set it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


# Of glibc's mallopt(3), with the values of its malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
HELD_BYTES = (1 << 31) - 1
PADDING_BYTES = 256 << 20
MAPPED_BYTES = 32 << 20  # the most that glibc takes


def hold_memory() -> None:
    """Keep freed memory in the process, where the C library is glibc; elsewhere nothing happens.

    TensorFlow asks for the same megabytes again at every step. By default glibc hands them back to the system each
    time, and fetching them anew took half of the training's time (9.3 million page faults in 120 steps, 0.5 after).
    """
    if sys.platform != "linux":
        return
    import ctypes  # takes a twentieth of a command's start

    with contextlib.suppress(OSError, AttributeError):  # another C library, such as musl
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for option, value in ((MMAP_THRESHOLD, MAPPED_BYTES), (TRIM_THRESHOLD, HELD_BYTES), (TOP_PAD, PADDING_BYTES)):
            mallopt(option, value)
