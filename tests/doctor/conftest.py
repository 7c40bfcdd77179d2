"""An environment without credentials or servers, a project that DVC runs, and servers and processes to meet."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
import two_stages

from soundatlas.doctor import services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = [name for names, _ in services.CREDENTIALS.values() for name in names]


@pytest.fixture(autouse=True)
def silent_prefect(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let no variable and no server of the caller reach a check; give the address that is asked, where nobody is."""
    for name in ("PREFECT_API_URL", "SOUNDATLAS_WORKERS", *NAMES):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    monkeypatch.setattr(services, "PREFECT_API", api)
    return api


@pytest.fixture
def dvc_project(project: Path) -> Path:
    """Give a project in git with two stages, one of which always runs; nothing has run yet."""
    two_stages.start(project)
    return project


@pytest.fixture
def sleeper() -> Iterator:
    """Give a function that starts a Python process in a folder, which sleeps until the test ends."""
    started = []

    def start(folder: Path, *arguments: str) -> int:
        command = [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)", *arguments]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
        started.append(process)
        process.stdout.readline()  # it is up
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def lock(dvc_project: Path):
    """Give a function that writes DVC's lock file as a process with this number would."""

    def write(pid: int, command: str = "dvc repro") -> Path:
        path = dvc_project / ".dvc/tmp/rwlock"
        path.parent.mkdir(exist_ok=True)
        info = {"pid": pid, "cmd": command}
        locks = {"write": {str(dvc_project / "b.txt"): info}, "read": {str(dvc_project / "a.txt"): [info]}}
        path.write_text(json.dumps(locks), encoding="utf-8")
        return path

    return write


class Server:
    """An HTTP server on this machine that answers every request alike, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.delay_seconds, self.asked = 200, 0.0, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                time.sleep(outer.delay_seconds)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a running server."""
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()
