"""The servers that `make ui` has started: waiting until they answer, watching them, stopping them."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas import supervise
from soundatlas.errors import SoundatlasError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from flows.servers import Server

POLL_SECONDS = 0.3
LAST_LINES = 15


class ServerFailedError(SoundatlasError):
    """A server ended by itself, or does not answer; the message ends with the last lines of its log."""


@dataclass
class _Member:
    server: Server
    log: Path
    process: subprocess.Popen[bytes]


class Crew:
    """Servers on a leash: however this process ends, so do they.

    Args:
        root: the folder that they run in.
        logs: the folder of their logs; the log of the time before is kept beside each.
        is_stopping: says whether the user has asked to stop.
    """

    def __init__(self, root: Path, logs: Path, is_stopping: Callable[[], bool]) -> None:
        self.root = root
        self.logs = logs
        self._is_stopping = is_stopping
        self._members: list[_Member] = []

    def start(self, servers: Sequence[Server], timeout_seconds: float) -> None:
        """Start servers, and return when all of them answer or the user asks to stop.

        Raises:
            ServerFailedError: when one ends, or does not answer in time.
        """
        give_up = time.monotonic() + timeout_seconds
        for server in servers:
            self._members.append(self._launch(server))
        silent = self._members[-len(servers) :]
        while silent and not self._is_stopping():
            self._check()
            silent = [member for member in silent if not member.server.answers()]
            if silent and time.monotonic() >= give_up:
                raise _failure(silent[0], f"does not answer after {timeout_seconds:g} s")
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Return when the user asks to stop.

        Raises:
            ServerFailedError: when a server ends.
        """
        while not self._is_stopping():
            self._check()
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop all servers, the last started first, so that none loses what it depends on."""
        while self._members:
            supervise.stop(self._members[-1].process)
            self._members.pop()

    def kill(self) -> None:
        """End all servers at once."""
        while self._members:
            supervise.kill(self._members.pop().process)

    def _launch(self, server: Server) -> _Member:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{server.name}.log"
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        with log.open("wb") as out:
            out.write(f"$ {shlex.join(server.command)}\n".encode())
            out.flush()
            process = supervise.start(server.command, cwd=self.root, env=server.env, stdout=out, stderr=out)
        return _Member(server, log, process)

    def _check(self) -> None:
        for member in self._members:
            if (code := member.process.poll()) is not None:
                raise _failure(member, f"ended by itself (exit code {code})")


def _failure(member: _Member, what: str) -> ServerFailedError:
    lines = member.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = [f"  {line}" for line in lines if line.strip()][-LAST_LINES:]
    return ServerFailedError("\n".join([f"{member.server.name} {what}. The end of {member.log}:", *last]))
