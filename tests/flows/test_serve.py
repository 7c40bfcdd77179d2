"""`make ui` as its user sees it: real servers in a project of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import psutil
import pytest

from flows.addresses import RECORD, UiAddresses, record_ui, running_ui
from flows.servers import PREFECT_APP

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENTS = """
import os
from pathlib import Path
from prefect import flow, serve

@flow
def report(word: str = "hello") -> None:
    Path("report.txt").write_text(f"{word} {os.environ['SOUNDATLAS_MLFLOW_UI']} {os.environ['SOUNDATLAS_PAGES']}")

if __name__ == "__main__":
    serve(report.to_deployment("report"))
"""
STUBBORN = """
import signal, subprocess, sys, time

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: open("asked", "w").close())
    subprocess.Popen([sys.executable, "-m", "flows.served"])
    while True:
        time.sleep(1)
"""

pytestmark = pytest.mark.timeout(600)


class Served:
    """A project of one trivial flow, and its `make ui`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ports = free_ports(3)
        self.url = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        """The command line that `make ui` has."""
        options = zip(("--prefect-port", "--mlflow-port", "--pages-port"), map(str, self.ports), strict=True)
        return [sys.executable, "-m", "flows.serve", *(word for pair in options for word in pair)]

    def begin(self) -> None:
        """Start it in the background, what it says going into a file."""
        with (self.root / "said.txt").open("wb") as out:
            self.process = subprocess.Popen(
                self.command, cwd=self.root, env=plain_environment(), stdout=out, stderr=subprocess.STDOUT
            )

    def start(self) -> None:
        """Start it, and wait until it says that it is up."""
        self.begin()
        while running_ui(self.root) is None:
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command, cwd=self.root, env=plain_environment(), capture_output=True, text=True, check=False
        )

    def said(self) -> str:
        """Return what it has said."""
        return (self.root / "said.txt").read_text(encoding="utf-8")

    def servers(self) -> list[psutil.Process]:
        """Return every living process of the project but the command itself, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("PREFECT_HOME") == str(self.root / ".prefect")
            except psutil.Error:  # a zombie, or another user's
                continue
            if mine and process.pid != self.process.pid:
                found.append(process)
        return found

    def server(self, word: str) -> psutil.Process:
        """Return the server with a word in its command line, not its supervisor."""
        lines = {process: process.cmdline() for process in self.servers()}
        (found,) = [each for each, line in lines.items() if word in line and "soundatlas.supervise" not in line]
        return found

    def wait_until_gone(self) -> None:
        """Wait, at most as long as the test may last, until no server is left."""
        while self.servers():
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def plain_environment() -> dict[str, str]:
    """Return the environment of a user who has set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SOUNDATLAS_"))}


def fetch(url: str, body: object = None) -> str:
    """Return what a server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - http
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read().decode()


@pytest.fixture
def served(tmp_path: Path, repository: Path):
    """Give a project that can be served; afterwards it is not."""
    root = tmp_path / "project"
    shutil.copytree(repository / "flows", root / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "flows/deployments.py").write_text(DEPLOYMENTS, encoding="utf-8")
    (root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    served = Served(root)
    yield served
    if served.process is not None:
        served.process.kill()
        served.process.wait()
        served.wait_until_gone()


def test_help_teaches() -> None:
    """--help says what is started, what stops it, and how ports are chosen."""
    command = [sys.executable, "-m", "flows.serve", "--help"]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "120"}
    ).stdout
    for word in ("Prefect", "MLflow", "Ctrl-C", "PREFECT_PORT", "--pages-port", "4200", "5000", "8088"):
        assert word in said


def test_a_taken_port_starts_nothing(served: Served) -> None:
    """Exit code 3 and one line; the project is as it was."""
    with socket.create_server(("127.0.0.1", served.ports[2])):
        done = served.run()
    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"port {served.ports[2]}, meant for Data Docs and evaluation, is taken by pid {os.getpid()}" in line
    assert "make ui PAGES_PORT=" in line
    assert not (served.root / ".prefect").exists()
    assert not (served.root / "mlruns").exists()


def test_a_folder_is_served_once(served: Served) -> None:
    """While this folder is served, a second start says where, whatever ports it is given."""
    record_ui(served.root, UiAddresses("http://a:1/api", "http://a:1", "http://b", "http://c"), ready=False)
    done = served.run()
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line == "soundatlas: soundatlas is already up in this folder: port 1 is taken by it, http://a:1"
    assert (served.root / RECORD).exists()


def test_outside_a_project_it_says_so(tmp_path: Path, repository: Path) -> None:
    """Away from a project the command ends with 2 and one line."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.serve"],
        cwd=tmp_path,
        env=plain_environment() | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no dvc.yaml" in done.stderr


@pytest.mark.slow
def test_everything_is_up_and_goes_down_and_comes_up_again(served: Served) -> None:
    """One command brings Prefect with the deployment, MLflow, pages. Ctrl-C ends all, the next start has the past."""
    served.start()
    assert all(url in served.said() for url in served.url)
    assert running_ui(served.root) == UiAddresses(f"{served.url[0]}/api", *served.url)
    assert "</html>" in fetch(served.url[0])
    assert "</html>" in fetch(served.url[1])
    assert "make demo" in fetch(f"{served.url[2]}/")
    assert json.loads(fetch(f"{served.url[0]}/api/admin/settings"))["server"]["analytics_enabled"] is False
    (deployment,) = json.loads(fetch(f"{served.url[0]}/api/deployments/filter", {}))
    fetch(f"{served.url[0]}/api/deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    while not (served.root / "report.txt").exists():
        time.sleep(0.1)
    while json.loads(fetch(f"{served.url[0]}/api/flow_runs/filter", {}))[0]["state_type"] != "COMPLETED":
        time.sleep(0.1)
    assert (served.root / "report.txt").read_text(encoding="utf-8") == f"hello {served.url[1]} {served.url[2]}"

    served.process.send_signal(signal.SIGINT)
    assert served.process.wait() == 0
    assert served.said().splitlines()[-1] == "stopped"
    assert served.servers() == []
    assert not (served.root / RECORD).exists()

    served.start()
    assert len(json.loads(fetch(f"{served.url[0]}/api/flow_runs/filter", {}))) == 1
    assert (served.root / ".prefect/logs/prefect.log.1").exists()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait() == 0
    assert served.servers() == []


@pytest.mark.slow
def test_after_a_kill_nothing_is_left_and_the_next_start_is_clean(served: Served) -> None:
    """Kill -9 of the command takes every server along; starting again at once waits for them and succeeds."""
    served.start()
    assert len(served.servers()) >= 8  # four servers, each with its supervisor
    served.process.kill()
    served.process.wait()
    assert running_ui(served.root) is None
    left = served.servers()
    served.start()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left)
    served.process.kill()
    served.process.wait()
    served.wait_until_gone()


@pytest.mark.slow
def test_a_killed_server_ends_the_rest(served: Served) -> None:
    """Kill -9 of the Prefect server: one line says so, with the end of its log, the rest ends, exit code 1."""
    served.start()
    served.server(PREFECT_APP).kill()
    assert served.process.wait() == 1
    assert "soundatlas: prefect ended by itself (exit code 137). The end of " in served.said()
    assert served.servers() == []
    assert not (served.root / RECORD).exists()
    served.start()
    assert "</html>" in fetch(served.url[0])


@pytest.mark.slow
def test_a_server_that_cannot_start_is_named(served: Served) -> None:
    """A fault in the deployments ends the start with their last words, and stops what was up already."""
    (served.root / "flows/deployments.py").write_text("raise SystemExit('params.yaml: no such key')", encoding="utf-8")
    done = served.run()
    assert done.returncode == 1
    assert "deployments ended by itself (exit code 1)" in done.stderr
    assert done.stderr.splitlines()[-1].strip() == "params.yaml: no such key"
    assert done.stdout.splitlines() == ["stopped"]
    for url in served.url:
        with pytest.raises(urllib.error.URLError):
            fetch(url)


@pytest.mark.slow
def test_an_impatient_user_is_heard(served: Served) -> None:
    """The second Ctrl-C does not wait for a server that does not want to end."""
    (served.root / "flows/deployments.py").rename(served.root / "flows/served.py")
    (served.root / "flows/deployments.py").write_text(STUBBORN, encoding="utf-8")
    served.start()
    served.process.send_signal(signal.SIGINT)
    while not (served.root / "asked").exists():
        assert served.process.poll() is None, served.said()
        time.sleep(0.05)
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait() == 130
    assert served.said().splitlines()[-1] == "killed"
    assert served.servers() == []
