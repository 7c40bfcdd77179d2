"""Ports on this machine: whether they are free, and who has them."""

from __future__ import annotations

import contextlib
import errno
import shlex
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from soundatlas.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
LAST_PORT = 65535
MOST_CHARACTERS = 100  # of another program's command line
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Port:
    """A port that a server is to have.

    Attributes:
        number: the port.
        server: whose it is to be, for messages.
        variable: what chooses another one: `make ui VARIABLE=...`.
    """

    number: int
    server: str
    variable: str


def refuse_taken_ports(ports: Sequence[Port], patience_seconds: float = 0.0) -> None:
    """Make sure that every port is free.

    Args:
        ports: those that are wanted.
        patience_seconds: how long to wait for servers that are just ending.

    Raises:
        UsageError: when one is wanted twice.
        NotReadyError: when one is taken; the message says by whom, and how to choose another.
    """
    for place, port in enumerate(ports):
        for other in ports[:place]:
            if other.number == port.number:
                raise UsageError(f"port {port.number} is for {other.server} and for {port.server}: give them two")
    give_up = time.monotonic() + patience_seconds
    while taken := [port for port in ports if not is_free(port.number)]:
        if time.monotonic() >= give_up:
            avoid = {port.number for port in ports}
            raise NotReadyError("; ".join(_refusal(port, avoid) for port in taken))
        time.sleep(POLL_SECONDS)


def is_free(number: int) -> bool:
    """Say whether a server can have a port of 127.0.0.1.

    Raises:
        NotReadyError: when this user may not have it.
    """
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex((HOST, number)) == 0:  # it may listen on all addresses, which allows some systems to bind
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
        try:
            probe.bind((HOST, number))
        except PermissionError:
            raise NotReadyError(f"port {number} is not for ordinary users: choose one above 1023") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def holder(number: int) -> str:
    """Name the process that listens on a port, as far as this user may know."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            sockets = process.net_connections("tcp")
            if any(each.status == psutil.CONN_LISTEN and each.laddr.port == number for each in sockets):
                words = shlex.join(process.cmdline()) or process.name()
                shown = words if len(words) <= MOST_CHARACTERS else f"{words[:MOST_CHARACTERS]}…"
                return f"pid {process.pid} ({shown})"
    return "another program"


def _refusal(port: Port, avoid: set[int]) -> str:
    free = next((each for each in range(port.number + 1, LAST_PORT + 1) if each not in avoid and is_free(each)), None)
    advice = f": choose another, for example make ui {port.variable}={free}" if free else ""
    return f"port {port.number}, meant for {port.server}, is taken by {holder(port.number)}{advice}"
