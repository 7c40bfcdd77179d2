"""What a decoder may do to its worker: `compute` as a store has it computed, with poison by the name of the file."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import TYPE_CHECKING
from unittest import mock

from soundatlas.audio import decode
from soundatlas.store.jobs import Job, compute
from soundatlas.store.rows import Described, describe_spectrogram

if TYPE_CHECKING:
    from soundatlas.audio.spectrogram import Spectrogram

REASONS = {  # file name -> what its row must say
    "segfault.wav": "crashed",
    "signal.wav": "crashed",
    "exit.wav": "crashed",
    "killed.wav": "crashed",
    "hang.wav": "timeout",
    "hang alone.wav": "timeout",
    "memory.wav": "fault",
    "nan.wav": "not_finite",
}


def describe_poisoned(job: Job) -> Described:
    """Do as a store's `describe` does, with the poisoned decoder."""
    return describe_spectrogram("", compute_poisoned(job))


def compute_poisoned(job: Job) -> Spectrogram:
    """Compute a spectrogram, or do what the file's name says."""
    match job.path:
        case "segfault.wav":
            ctypes.string_at(0)
        case "signal.wav":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit.wav":
            os._exit(0)
        case "killed.wav":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang.wav":
            time.sleep(600)
        case "hang alone.wav":
            ctypes.PyDLL(None).sleep(600)
        case "memory.wav":
            raise MemoryError
        case "nan.wav":
            with mock.patch.object(decode._ForwardFile, "read", _read_junk):
                return compute(job)
    return compute(job)


def _read_junk(_: object, out):
    """Return NaN, as a decoder gives that reads what it never wrote."""
    out[...] = float("nan")
    return out
