"""A worker's process, started at the cost of what it imports and nothing else.

multiprocessing's "spawn" runs the caller's main module again in every worker: for a stage those are its tables and
parameters. It also starts one process more, which keeps count of what no worker here uses.

A caller that has no thread yet may be copied instead (`copies_with`): it imports once for all its workers, and each is
ready at once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from soundatlas.message_pipe import MessagePipe, open_pipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAM = """import sys
sys.path[:] = {path!r}
from soundatlas.worker_process import run
run({incoming}, {outgoing}, parent={parent}, preload={preload!r})
"""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OWN_THREADS = Path("/proc/self/task")  # a folder for each, those of C libraries too; where there is none, none is known
MOST_COPIES = 4  # made before anybody knows how much there is to do; each takes 3 ms to make and to clear away
LOOKS_SECONDS = 0.002  # between two looks whether a copy has ended


class ChildProcess(Protocol):
    """A process that runs `worker_process.run`.

    Attributes:
        pipe: our end of the connection. The process holds the only other end, so that its death is read as the end.
    """

    pipe: MessagePipe

    @property
    def pid(self) -> int:
        """Return the system's number of the process."""

    @property
    def exitcode(self) -> int | None:
        """Return its exit code, or minus the signal that ended it; None while it has not been seen to end."""

    def is_alive(self) -> bool:
        """Return whether it still runs."""

    def kill(self) -> None:
        """End it, whatever it is doing."""

    def join(self, seconds: float | None = None) -> None:
        """Wait for its end, at most some seconds."""


@contextlib.contextmanager
def _connected() -> Iterator[tuple[MessagePipe, int, int]]:
    """Give our end of a new connection, and where the process that the block starts reads and writes.

    That process has the only other ends afterwards; where it could not be started, there are none of ours either. It
    inherits that Ctrl-C and SIGTERM wait: one that came before it ignores them would print a traceback, or end it.
    """
    with _signals_waiting(), contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        their_incoming, our_outgoing = open_pipe()
        theirs.callback(os.close, their_incoming)
        ours.callback(os.close, our_outgoing)
        our_incoming, their_outgoing = open_pipe()
        theirs.callback(os.close, their_outgoing)
        ours.callback(os.close, our_incoming)
        yield MessagePipe(our_incoming, our_outgoing), their_incoming, their_outgoing
        ours.pop_all()


@contextlib.contextmanager
def _signals_waiting() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM wait until the block ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class SpawnedProcess:
    """A process of a program of its own, started at once.

    It keeps to one thread unless the user's environment says otherwise: every worker would start as many BLAS threads
    as there are processors, and they take them from each other; on two processors a log-mel cost twice the time.

    Args:
        preload: modules that it imports before anything is asked of it.
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        import subprocess  # who is copied has no use for it

        with _connected() as (self.pipe, incoming, outgoing):
            program = PROGRAM.format(
                path=[entry or os.getcwd() for entry in sys.path],  # noqa: PTH109 - as text
                incoming=incoming,
                outgoing=outgoing,
                parent=os.getpid(),
                preload=tuple(preload),
            )
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                pass_fds=(incoming, outgoing),
                env={**dict.fromkeys(THREAD_VARIABLES, "1"), **os.environ},
            )

    @property
    def pid(self) -> int:
        """See `ChildProcess`."""
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        """See `ChildProcess`."""
        return self._process.returncode

    def is_alive(self) -> bool:
        """See `ChildProcess`."""
        return self._process.poll() is None

    def kill(self) -> None:
        """See `ChildProcess`."""
        self._process.kill()

    def join(self, seconds: float | None = None) -> None:
        """See `ChildProcess`."""
        import subprocess

        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class CopiedProcess:
    """A copy of this process, which must have no other thread; see `copies_with`.

    Args:
        elder: pipes of copies that were made before. The new one closes them, or their ends would never be read.
    """

    def __init__(self, elder: Sequence[MessagePipe]) -> None:
        self.exitcode: int | None = None
        parent = os.getpid()
        with _connected() as (self.pipe, incoming, outgoing):
            self.pid = os.fork()
            if self.pid == 0:
                _be_worker(incoming, outgoing, parent, [*elder, self.pipe])

    def is_alive(self) -> bool:
        """See `ChildProcess`."""
        return not self._ended(os.WNOHANG)

    def kill(self) -> None:
        """See `ChildProcess`."""
        if self.is_alive():  # and its number is nobody else's
            os.kill(self.pid, signal.SIGKILL)

    def join(self, seconds: float | None = None) -> None:
        """See `ChildProcess`."""
        if seconds is None:
            self._ended(0)
            return
        until = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < until:
            time.sleep(LOOKS_SECONDS)

    def _ended(self, options: int) -> bool:
        if self.exitcode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # whoever started us has SIGCHLD ignored: nobody knows how it ended
                self.exitcode = 0
                return True
            if pid:
                self.exitcode = os.waitstatus_to_exitcode(status)
        return self.exitcode is not None


def copies_with(preload: Sequence[str], count: int) -> list[CopiedProcess]:
    """Import modules here, and return up to that many copies of this process as workers, at most `MOST_COPIES`.

    A copy has only one of the threads, and whatever lock another one held stays shut for ever. So nothing is copied
    that has threads, those of C libraries included, and nothing where they cannot be counted (macOS). NumPy's BLAS
    starts its threads when it is imported, so the environment is told first that there shall be one.
    """
    if "numpy" in sys.modules or _threads() != 1:
        return []
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    copies: list[CopiedProcess] = []
    gc.disable()
    try:
        for name in preload:
            with contextlib.suppress(ImportError):  # the fault of the request that needs it
                importlib.import_module(name)
        gc.freeze()  # or the first collection in each copy would touch, and so copy, all that was imported
        while len(copies) < min(count, MOST_COPIES) and _threads() == 1:
            copies.append(CopiedProcess([copy.pipe for copy in copies]))
    except OSError:  # no process or file left: who needs more of them will be told
        pass
    finally:
        gc.enable()
    return copies


def _threads() -> int | None:
    try:
        return len(list(OWN_THREADS.iterdir()))
    except OSError:
        return None


def _be_worker(incoming: int, outgoing: int, parent: int, others: Sequence[MessagePipe]) -> NoReturn:
    """Be a worker until nobody asks any more; what the copied process had set up for its own end is not run."""
    code = 1
    try:
        from soundatlas.worker_process import run

        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        gc.enable()
        for pipe in others:
            pipe.close()
        run(incoming, outgoing, parent=parent, preload=())
        code = 0
    finally:
        os._exit(code)
