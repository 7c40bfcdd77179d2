"""A real HTTP server on 127.0.0.1 that plays a service, well or badly."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self

HANG_SECONDS = 30.0


@dataclass(frozen=True)
class Asked:
    """A request as it came in; `path` is without the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What to send.

    Attributes:
        status: of it.
        body: bytes, blocks of bytes, or what to write as JSON.
        kind: its content type.
        headers: further ones.
        claimed_bytes: a Content-Length other than the true one; the connection is closed after the body.
        pause_seconds: before the headers, and between two blocks.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    claimed_bytes: int | None = None
    pause_seconds: float = 0.0

    def blocks(self) -> Iterable[bytes]:
        """The body as blocks of bytes."""
        if isinstance(self.body, bytes):
            return [self.body]
        if isinstance(self.body, dict | list | str) or self.body is None:
            return [json.dumps(self.body).encode()]
        return self.body  # type: ignore[no-any-return]  # blocks already


class FakeServer:
    """A service. Subclasses answer requests in `respond`; `faults` are sent first, one by one.

    Attributes:
        url: of it, without a slash.
        asked: all requests so far.
        faults: (part of a path, answer): the first one whose part occurs in a request's path is sent and used up.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: list[tuple[str, Answer]] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, asked: Asked) -> Answer:
        """Answer a request."""
        raise NotImplementedError

    def fail(self, part: str, answer: Answer, times: int = 1) -> None:
        """Answer the next requests whose path holds `part` with something else."""
        self.faults += [(part, answer)] * times

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """Note a request and return what to send."""
        with self._lock:
            self.asked.append(asked)
            for position, (part, answer) in enumerate(self.faults):
                if part in asked.path:
                    del self.faults[position]
                    return answer
            return self.respond(asked)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def hanging() -> Answer:
    """Nothing, for longer than anybody waits."""
    return Answer(pause_seconds=HANG_SECONDS)


def dripping(pause_seconds: float) -> Answer:
    """JSON that comes a space at a time."""
    return Answer(body=(b" " for _ in range(10_000)), pause_seconds=pause_seconds)


def truncated(body: dict[str, Any]) -> Answer:
    """JSON that ends in the middle, sent as if it were whole."""
    text = json.dumps(body).encode()
    return Answer(body=text[: len(text) // 2])


def broken_off(body: bytes, kind: str = "application/json") -> Answer:
    """A connection that ends before the promised length."""
    return Answer(body=body, kind=kind, claimed_bytes=len(body) + 1000)


def html(status: int = 200) -> Answer:
    """A page for people, as a hotel's network sends it in the place of everything."""
    return Answer(status=status, body=b"<!doctype html><title>Welcome</title><p>Please log in", kind="text/html")


def endless(megabytes: int, kind: str = "audio/mpeg") -> Answer:
    """That many megabytes, made as they are sent."""

    def blocks() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1_000_000)

    return Answer(body=blocks(), kind=kind)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent about clients that hang up: they do so for a reason, which is what is tested."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve({})

    def do_POST(self) -> None:
        """Answer a POST of a form."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._serve({name: values[0] for name, values in parse_qs(sent).items()})

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""

    def _serve(self, form: dict[str, str]) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = self.server.fake.answer(Asked(self.command, parts.path, query, dict(self.headers.items()), form))
        try:
            self._send(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, answer: Answer) -> None:
        if self._pause(answer):
            return
        blocks = answer.blocks()
        whole = isinstance(blocks, list)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if whole:
            self.send_header("Content-Length", str(answer.claimed_bytes or sum(map(len, blocks))))
        if not whole or answer.claimed_bytes:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        for block in blocks:
            self.wfile.write(block)
            if not whole and self._pause(answer):
                return

    def _pause(self, answer: Answer) -> bool:
        """Wait; True when the server closes meanwhile."""
        if not answer.pause_seconds:
            return False
        until = time.monotonic() + answer.pause_seconds
        closing = self.server.fake.closing.wait(max(0.0, until - time.monotonic()))
        self.close_connection = self.close_connection or closing
        return closing
