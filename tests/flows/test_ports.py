"""Ports: who has them, and what is said about it."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest

from flows.ports import Port, holder, is_free, refuse_taken_ports
from soundatlas.errors import NotReadyError, UsageError


@pytest.fixture
def listener():
    """Give a socket that listens, as another server would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def number_of(server: socket.socket) -> int:
    """Return the port of a socket."""
    return server.getsockname()[1]


def test_a_taken_port_is_refused_with_all_that_helps(listener: socket.socket) -> None:
    """The message names the port, for what it is wanted, who has it, and a free one to choose."""
    number = number_of(listener)
    with pytest.raises(NotReadyError) as caught:
        refuse_taken_ports([Port(number, "the Prefect server", "PREFECT_PORT")])
    said = str(caught.value)
    assert f"port {number}, meant for the Prefect server, is taken by pid {os.getpid()} (" in said
    assert Path(psutil.Process().cmdline()[0]).name in said
    assert "\n" not in said
    assert is_free(int(said.rpartition("make ui PREFECT_PORT=")[2]))


def test_all_taken_ports_are_named_at_once(listener: socket.socket) -> None:
    """Whoever has to choose another port should not have to try three times."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(NotReadyError) as caught:
        refuse_taken_ports([Port(number_of(listener), "a", "A_PORT"), Port(number_of(other), "b", "B_PORT")])
    assert "make ui A_PORT=" in str(caught.value)
    assert "make ui B_PORT=" in str(caught.value)


def test_a_port_of_all_addresses_is_taken_too() -> None:
    """A server on 0.0.0.0 has the port of 127.0.0.1 as well."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - for a moment, and it says nothing
        assert not is_free(number_of(server))


def test_a_port_just_left_is_free(listener: socket.socket) -> None:
    """Connections that are still being wound up do not keep a server from starting again."""
    number = number_of(listener)
    with socket.create_connection(("127.0.0.1", number)):
        there, _ = listener.accept()
        there.close()
    listener.close()
    assert is_free(number)


def test_servers_that_are_just_ending_are_waited_for(listener: socket.socket) -> None:
    """With patience, a port that becomes free in time is not refused."""
    threading.Thread(target=lambda: (time.sleep(0.5), listener.close())).start()
    refuse_taken_ports([Port(number_of(listener), "MLflow", "MLFLOW_PORT")], patience_seconds=100)


def test_one_port_for_two_servers_is_refused() -> None:
    """Two servers cannot have one port, free or not."""
    with pytest.raises(UsageError, match="port 4200 is for MLflow and for the Prefect server"):
        refuse_taken_ports([Port(4200, "MLflow", "MLFLOW_PORT"), Port(4200, "the Prefect server", "PREFECT_PORT")])


def test_a_port_whose_holder_may_not_be_seen_is_another_programs(listener: socket.socket) -> None:
    """Where nobody is found, the message still makes a sentence."""
    number = number_of(listener)
    listener.close()
    assert holder(number) == "another program"
