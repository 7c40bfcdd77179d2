"""Run a command on a leash: it and everything that it started end when whoever started it ends, even by kill -9.

    python -m soundatlas.supervise [--grace SECONDS] -- COMMAND ARGUMENT...

The leash is the supervisor's standard input, a pipe whose other end only the caller holds: the system closes it
whatever becomes of the caller, and its end is the sign to stop. What belongs to the command is known by a mark in
its environment, which a process that was given to another parent still carries, and by its session.

Kept to the standard library and psutil, so that starting costs next to nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MARK = "SOUNDATLAS_SUPERVISED"  # in the environment: the marks of all supervisors above, joined by colons
GRACE_SECONDS = 10.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PARENT_CHECK_SECONDS = 1.0  # should a copy of the leash's other end have outlived the caller
ROUND_SECONDS = 0.2
UNKILLABLE_SECONDS = 5.0  # after which a process that survives SIGKILL is left to the system


def start(
    command: Sequence[str],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    grace: float = GRACE_SECONDS,
) -> subprocess.Popen[bytes]:
    """Start a command on a leash held by this process, out of reach of the terminal's Ctrl-C.

    The process returned is the supervisor's; it ends with the command's exit code, 128 + signal if that was killed.
    It stops the command when its `stdin` is closed: end it with `stop`, and do not call `communicate`.

    Args:
        command: program and arguments.
        cwd: the folder to run in.
        env: the whole environment; this process's by default.
        stdout: as for `subprocess.Popen`.
        stderr: as for `subprocess.Popen`.
        grace: seconds between SIGTERM and SIGKILL.
    """
    mark = uuid.uuid4().hex
    supervisor = [sys.executable, "-P", "-m", "soundatlas.supervise", "--grace", str(grace), "--mark", mark, "--"]
    return subprocess.Popen(  # noqa: S603 - the caller's own command
        [*supervisor, *command],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes]) -> int:
    """Let go of what `start` started: SIGTERM, the grace, SIGKILL; return the exit code when all of it is gone."""
    if process.stdin is not None:
        process.stdin.close()
    code = process.wait()
    if code < 0:  # the supervisor itself was killed
        _sweep(_mark_of(process), None, deadline=0.0)
    return code


def kill(process: subprocess.Popen[bytes]) -> None:
    """End what `start` started at once, with SIGKILL."""
    process.kill()
    stop(process)


def supervise(command: Sequence[str], *, mark: str, grace: float) -> int:
    """Run a command until it ends or is to be stopped; return its exit code when nothing of it is left."""
    waker, sign = os.pipe()
    os.set_blocking(sign, False)
    signal.set_wakeup_fd(sign, warn_on_full_buffer=False)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # it is enough that they wake us
    marks = ":".join(filter(None, (os.environ.get(MARK), mark)))
    try:
        child = subprocess.Popen(  # noqa: S603 - the caller's own command
            command, env=os.environ | {MARK: marks}, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        print(f"soundatlas: cannot start {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - for the user
        return 127 if isinstance(error, FileNotFoundError) else 126
    _wait_for_end_or_stop(child, waker)
    deadline = time.monotonic() + grace
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(UNKILLABLE_SECONDS)
    _sweep(mark, child.pid, deadline)
    code = child.returncode if child.returncode is not None else -signal.SIGKILL
    return code if code >= 0 else 128 - code


def _wait_for_end_or_stop(child: subprocess.Popen[bytes], waker: int) -> None:
    """Return when the command has ended, the leash has, the parent has, or a signal asks to stop."""
    leash = sys.stdin.fileno()
    parent = os.getppid()
    while child.poll() is None and os.getppid() == parent:
        ready, _, _ = select.select([leash, waker], [], [], PARENT_CHECK_SECONDS)
        if waker in ready and set(os.read(waker, 4096)) & set(STOP_SIGNALS):
            return
        if leash in ready and not os.read(leash, 4096):
            return


def _sweep(mark: str, session: int | None, deadline: float) -> None:
    """End all that carries the mark or is of the session: SIGTERM, and from the deadline on SIGKILL."""
    give_up = max(deadline, time.monotonic()) + UNKILLABLE_SECONDS
    asked: set[psutil.Process] = set()
    while (left := _find(mark, session)) and (now := time.monotonic()) < give_up:
        for process in left:
            with contextlib.suppress(psutil.Error):
                if now >= deadline:
                    process.kill()
                elif process not in asked:
                    process.terminate()
        asked.update(left)
        psutil.wait_procs(left, timeout=ROUND_SECONDS)


def _find(mark: str, session: int | None) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _belongs(process, mark, session)]


def _belongs(process: psutil.Process, mark: str, session: int | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return os.getsid(process.pid) == session or mark in process.environ().get(MARK, "").split(":")
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return False


def _mark_of(process: subprocess.Popen[bytes]) -> str:
    arguments = process.args
    if not isinstance(arguments, list) or "--mark" not in arguments:
        raise TypeError("not a process that `start` started")
    return str(arguments[arguments.index("--mark") + 1])


def main() -> int:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m soundatlas.supervise",
        description="Run a command that ends, with everything it started, when this program's standard input does.",
    )
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS, help="seconds between SIGTERM and SIGKILL")
    parser.add_argument("--mark", default=uuid.uuid4().hex, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="+", help="program and arguments, after --")
    options = parser.parse_args()
    if sys.stdin is None:
        parser.error("there is no standard input, whose end is the sign to stop")
    return supervise(options.command, mark=options.mark, grace=options.grace)


if __name__ == "__main__":
    sys.exit(main())
