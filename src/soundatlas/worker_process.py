"""What a worker process does: answer each request with a value or a failure, and end when nobody is there to ask."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from soundatlas.environment import hold_memory
from soundatlas.errors import TrackError
from soundatlas.message_pipe import MessagePipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GRACE_SECONDS = 5.0  # beyond an item's time, after which a process ends that nobody has ended
PARENT_CHECK_SECONDS = 1.0  # should a copy of the caller's end of the pipe have outlived it

Answer = tuple[Any, TrackError | None]  # a value, or why there is none


def pack(function: Callable[[Any], Any], item: object, timeout_seconds: float) -> bytes:
    """Return a request, as it travels to a worker."""
    return pickle.dumps((function, item, timeout_seconds), pickle.HIGHEST_PROTOCOL)


def receive(pipe: MessagePipe) -> tuple[Answer, int]:
    """Receive a worker's answer, and how many bytes it takes; arrays come without a copy of them being made."""
    content, sizes = pickle.loads(pipe.recv_bytes())  # noqa: S301 - written by our own process
    buffers = [bytearray(size) for size in sizes]
    for buffer in buffers:
        pipe.recv_bytes_into(buffer)
    if b"numpy" in content:  # as a whole, and first: two threads that each begin with a part of it, as unpickling does,
        importlib.import_module("numpy")  # wait for each other, until one goes on with half of it
    return pickle.loads(content, buffers=buffers), len(content) + sum(sizes)  # noqa: S301 - likewise


def run(incoming: int, outgoing: int, *, parent: int, preload: Sequence[str]) -> None:
    """Be a worker.

    Args:
        incoming: file descriptor that requests come from.
        outgoing: file descriptor that answers go to.
        parent: number of the process that asks.
        preload: modules to import before the first request; one that cannot be is the fault of the request needing it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and a stop of the whole family are the caller's,
        signal.signal(number, signal.SIG_IGN)  # who ends the workers
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    hold_memory()
    for name in preload:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    pipe = MessagePipe(incoming, outgoing)
    with contextlib.suppress(EOFError, OSError):  # the caller is gone
        while True:
            request = pipe.recv_bytes()
            messages = _answer(request, pipe)
            while messages:  # none is kept: it may be a long spectrogram, and the next one comes
                pipe.send_bytes(messages.pop(0))


def _end_with_parent(parent: int) -> None:
    """End this process when the one that started it is gone, whatever it is doing."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _answer(request: bytes, pipe: MessagePipe) -> list[Any]:
    """Apply the requested function; return the messages of the answer.

    An exception does not travel as it is: many cannot be unpickled, and a `SystemExit` would end the run.
    """
    begun = False
    try:
        function, item, timeout_seconds = pickle.loads(request)  # noqa: S301 - written by the process that started this
        pipe.send_bytes(b"")
        begun = True
        with _ending_after(timeout_seconds + GRACE_SECONDS):
            value = function(item)
        return _messages((value, None))
    except TrackError as error:
        failure = TrackError(error.reason, error.message)
    except BaseException as error:  # noqa: BLE001 - whatever a library throws at a bad file is that file's row
        failure = fault(error)
    if not begun:
        pipe.send_bytes(b"")
    return _messages((None, failure))


@contextlib.contextmanager
def _ending_after(seconds: float) -> Iterator[None]:
    """Have the system end this process when the block takes longer: should nobody be there any more to do so.

    A decoder that hangs and lets no other thread run keeps `_end_with_parent` waiting, but not the system's alarm.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _messages(answer: Answer) -> list[Any]:
    """Return an answer as it travels: its pickle with the sizes of its arrays, and these as they lie in memory."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    return [pickle.dumps((content, [array.nbytes for array in arrays])), *arrays]


def fault(error: BaseException) -> TrackError:
    """Return the failure that an unexpected error is."""
    return TrackError("fault", f"{type(error).__name__}: {error}".removesuffix(": "))
