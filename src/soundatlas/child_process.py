"""A worker's process, started at the cost of what it imports and nothing else.

multiprocessing's "spawn" runs the caller's main module again in every worker: for a stage those are its tables and
parameters. It also starts one process more, which keeps count of what no worker here uses.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from soundatlas.message_pipe import MessagePipe, open_pipe

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = """import sys
sys.path[:] = {path!r}
from soundatlas.worker_process import run
run({incoming}, {outgoing}, parent={parent}, preload={preload!r})
"""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ChildProcess:
    """A process that runs `worker_process.run`, started at once.

    It keeps to one thread unless the user's environment says otherwise: every worker would start as many BLAS threads
    as there are processors, and they take them from each other; on two processors a log-mel cost twice the time.

    Args:
        preload: modules that it imports before anything is asked of it.

    Attributes:
        pipe: our end of the connection. The process holds the only other end, so that its death is read as the end.
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        their_incoming, our_outgoing = open_pipe()
        our_incoming, their_outgoing = open_pipe()
        self.pipe = MessagePipe(our_incoming, our_outgoing)
        program = PROGRAM.format(
            path=[entry or os.getcwd() for entry in sys.path],  # noqa: PTH109 - as text
            incoming=their_incoming,
            outgoing=their_outgoing,
            parent=os.getpid(),
            preload=tuple(preload),
        )
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                pass_fds=(their_incoming, their_outgoing),
                env={**dict.fromkeys(THREAD_VARIABLES, "1"), **os.environ},
            )
        except BaseException:
            self.pipe.close()
            raise
        finally:
            os.close(their_incoming)
            os.close(their_outgoing)

    @property
    def pid(self) -> int:
        """Return the system's number of the process."""
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        """Return its exit code, or minus the signal that ended it; None while it has not been seen to end."""
        return self._process.returncode

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()

    def join(self, seconds: float | None = None) -> None:
        """Wait for its end, at most some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
