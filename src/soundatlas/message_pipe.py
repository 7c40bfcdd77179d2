"""Messages between two processes, over two pipes: what multiprocessing's connections do, at a tenth of the import.

Each message is its length, as 8 bytes, and its bytes.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct

LENGTH = struct.Struct("<Q")
ROOM_BYTES = 1 << 20  # in a pipe, where the system allows it: a worker goes on before its spectrogram has been read


class MessagePipe:
    """One end of a connection.

    Args:
        incoming: file descriptor to read from.
        outgoing: file descriptor to write to.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def send_bytes(self, message: bytes | bytearray | memoryview) -> None:
        """Send one message; waits where the pipe is full.

        Raises:
            OSError: when nobody reads any more.
        """
        with memoryview(message).cast("B") as content:
            self._write(LENGTH.pack(len(content)))
            self._write(content)

    def recv_bytes(self) -> bytes:
        """Wait for the next message and return it.

        Raises:
            EOFError: when nobody writes any more.
            OSError: when the pipe was closed.
        """
        message = bytearray(self._next_length())
        self._read(message)
        return bytes(message)

    def recv_bytes_into(self, room: bytearray) -> None:
        """Wait for the next message, which must be of the room's length, and put it there.

        Raises:
            EOFError: when nobody writes any more.
            OSError: when the pipe was closed, or the message has another length.
        """
        if (length := self._next_length()) != len(room):
            raise OSError(f"a message of {length} bytes came instead of {len(room)}")
        self._read(room)

    def poll(self, seconds: float) -> bool:
        """Return whether something came, or the end of it, within some seconds."""
        waiting = select.poll()
        waiting.register(self._incoming, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))

    def close(self) -> None:
        """Close this end."""
        for handle in (self._incoming, self._outgoing):
            if handle >= 0:
                os.close(handle)
        self._incoming = self._outgoing = -1

    def _next_length(self) -> int:
        header = bytearray(LENGTH.size)
        self._read(header)
        return int(LENGTH.unpack(header)[0])

    def _write(self, content: bytes | memoryview) -> None:
        while content:
            content = content[os.write(self._outgoing, content) :]

    def _read(self, room: bytearray) -> None:
        with memoryview(room) as whole:
            done = 0
            while done < len(whole):
                came = os.readv(self._incoming, [whole[done:]])
                if came == 0:
                    raise EOFError
                done += came


def open_pipe() -> tuple[int, int]:
    """Return where to read from and where to write to, with room for a spectrogram where the system has it."""
    incoming, outgoing = os.pipe()
    with contextlib.suppress(ImportError, AttributeError, OSError):  # only Linux can; and a user may have so much
        import fcntl

        fcntl.fcntl(outgoing, fcntl.F_SETPIPE_SZ, ROOM_BYTES)
    return incoming, outgoing
