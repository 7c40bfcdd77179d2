"""A project with `make ui` up: its servers in processes of their own, and their API as the browser uses it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from soundatlas.files import read_json

PATIENCE_SECONDS = 600
BUSY_TRIES = 20
DONE = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class ServedProject:
    """`python -m flows.serve` in a project, on ports of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefect, self.mlflow, self.pages = free_ports(3)
        self.url = f"http://127.0.0.1:{self.prefect}"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command that `make ui` runs, for this project's ports."""
        ports = ("--prefect-port", self.prefect, "--mlflow-port", self.mlflow, "--pages-port", self.pages)
        return [sys.executable, "-m", "flows.serve", *map(str, ports)]

    def environment(self) -> dict[str, str]:
        """Return a user's environment: the project's own programs first, no choice of a server."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def start(self) -> None:
        """Start, and wait until deployments are served."""
        log = (self.root / "serve.log").open("ab")
        self.process = subprocess.Popen(
            self.command(), cwd=self.root, env=self.environment(), stdout=log, stderr=subprocess.STDOUT
        )
        self.wait_until(self._is_ready, "make ui is ready")

    def stop(self) -> int:
        """Press Ctrl-C; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Kill the serving process with -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask Prefect's API: POST with a body, GET without."""
        return self._send("GET" if body is None else "POST", path, body).json()

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        """Send a request as Prefect's client and its pages do: again while the server's database is busy."""
        for _ in range(BUSY_TRIES):
            answer = httpx.request(method, f"{self.url}/api/{path}", json=body, timeout=60)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        return answer.raise_for_status()

    def deployment(self, flow: str) -> dict[str, Any]:
        """Return a flow's deployment."""
        return self.ask(f"deployments/name/{flow}/soundatlas")

    def switch_off(self, schedule: dict[str, Any]) -> None:
        """Switch a schedule off, as the switch in the UI does."""
        path = f"deployments/{schedule['deployment_id']}/schedules/{schedule['id']}"
        self._send("PATCH", path, {"active": False})

    def start_run(self, flow: str, **parameters: Any) -> str:
        """Start a run through its deployment, as the form and the command line do; return its id."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return self.ask(f"deployments/{self.deployment(flow)['id']}/create_flow_run", body)["id"]

    def finish(self, run_id: str) -> dict[str, Any]:
        """Wait until a run has ended; return it."""
        self.wait_until(lambda: self.read_run(run_id)["state"]["type"] in DONE, f"run {run_id} ends")
        return self.read_run(run_id)

    def read_run(self, run_id: str) -> dict[str, Any]:
        """Return a flow run as it stands."""
        return self.ask(f"flow_runs/{run_id}")

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """Return all runs of a flow, those to come included."""
        return self.ask("flow_runs/filter", {"flows": {"name": {"any_": [flow]}}})

    def states(self, run_id: str) -> dict[str, str]:
        """Return stage -> name of its task run's state, in the order in which they started."""
        body = {"flow_runs": {"id": {"any_": [run_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return {task["name"]: task["state_name"] for task in self.ask("task_runs/filter", body)}

    def log(self, run_id: str) -> str:
        """Return what a run and its tasks have logged."""
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC"}
        return "\n".join(line["message"] for line in self.ask("logs/filter", body))

    def artifacts(self, run_id: str) -> dict[str, str]:
        """Return key -> text of the artifacts of a run."""
        body = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
        return {found["key"]: found["data"] for found in self.ask("artifacts/filter", body)}

    def wait_until(self, holds: Any, what: str) -> None:
        """Wait until something holds."""
        for _ in range(PATIENCE_SECONDS * 2):
            if holds():
                return
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.5)
        pytest.fail(f"never: {what}\n{(self.root / 'serve.log').read_text(errors='replace')}")

    def _is_ready(self) -> bool:
        record = self.root / ".prefect/ui.json"
        if not record.is_file():
            return False
        found = read_json(record)
        return bool(found["ready"] and found["pid"] == self.process.pid)
