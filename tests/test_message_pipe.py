"""Messages between two processes."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.message_pipe import MessagePipe, open_pipe


@pytest.fixture
def ends():
    """Give the two ends of a connection."""
    first, second = open_pipe(), open_pipe()
    pair = MessagePipe(first[0], second[1]), MessagePipe(second[0], first[1])
    yield pair
    for end in pair:
        end.close()


@given(messages=st.lists(st.binary(max_size=300), max_size=5))
def test_messages_come_as_they_were_sent(messages) -> None:
    """Whatever their bytes and lengths, empty ones included, messages arrive whole and in order."""
    incoming, outgoing = open_pipe()
    ours, theirs = MessagePipe(-1, outgoing), MessagePipe(incoming, -1)
    for message in messages:
        ours.send_bytes(message)
    assert [theirs.recv_bytes() for _ in messages] == messages
    ours.close()
    theirs.close()


def test_message_larger_than_the_pipe_arrives(ends) -> None:
    """What does not fit into the pipe is sent on as it is read."""
    message = os.urandom(5_000_000)
    sender = threading.Thread(target=ends[0].send_bytes, args=(memoryview(message),))
    sender.start()
    room = bytearray(len(message))
    ends[1].recv_bytes_into(room)
    sender.join()
    assert room == message


def test_message_of_another_length_is_refused(ends) -> None:
    """Room that does not fit is a fault and no silent loss."""
    ends[0].send_bytes(b"four")
    with pytest.raises(OSError, match="4 bytes came instead of 5"):
        ends[1].recv_bytes_into(bytearray(5))


def test_end_of_the_other_side_is_told(ends) -> None:
    """When nobody writes any more, waiting ends; when nobody reads any more, sending fails."""
    assert not ends[1].poll(0.0)
    ends[0].close()
    assert ends[1].poll(0.0)
    with pytest.raises(EOFError):
        ends[1].recv_bytes()
    with pytest.raises(BrokenPipeError):
        ends[1].send_bytes(b"anybody")


def test_closed_pipe_is_a_fault(ends) -> None:
    """An end that was closed neither receives nor sends, and can be closed again."""
    ends[0].close()
    ends[0].close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        ends[0].recv_bytes()
    with pytest.raises(OSError, match="Bad file descriptor"):
        ends[0].send_bytes(b"x")
