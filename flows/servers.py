"""What `make ui` starts: each server's command and environment, and how one sees that it answers."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import TYPE_CHECKING

from flows.addresses import UiAddresses
from flows.ports import HOST, Port
from soundatlas.atlas.server import HOSTS
from soundatlas.environment import QUIET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PREFECT_APP = "flows.prefect_server:make_app"
ASK_TIMEOUT_SECONDS = 5.0
ELSEWHERE = ("PREFECT_API_KEY", "PREFECT_PROFILE")  # what would lead the project's servers to another account
SILENT = QUIET | {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # for judging language models: processes that nobody here needs
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class Server:
    """A program that runs as long as `make ui` does.

    Attributes:
        name: for messages, and of its log.
        command: program and arguments.
        env: its whole environment.
        answers: whether it does; asked again and again while it starts.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    answers: Callable[[], bool]


@dataclass(frozen=True)
class Plan:
    """Ports and addresses of everything that `make ui` starts in a project.

    Attributes:
        root: the project.
        prefect: port of the Prefect server.
        mlflow: port of the MLflow server, or None when MLFLOW_TRACKING_URI names one.
        pages: port of Data Docs and evaluation.
        addresses: where one sees them.
    """

    root: Path
    prefect: Port
    mlflow: Port | None
    pages: Port
    addresses: UiAddresses

    @property
    def ports(self) -> list[Port]:
        """All ports that must be free."""
        return [port for port in (self.prefect, self.mlflow, self.pages) if port is not None]


def make_plan(root: Path, *, prefect: int, mlflow: int, pages: int) -> Plan:
    """Decide what to start where; a tracking server that the user has chosen takes the place of ours."""
    chosen = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    base = f"http://{HOST}"
    return Plan(
        root=root,
        prefect=Port(prefect, "the Prefect server", "PREFECT_PORT"),
        mlflow=None if chosen else Port(mlflow, "MLflow", "MLFLOW_PORT"),
        pages=Port(pages, "Data Docs and evaluation", "PAGES_PORT"),
        addresses=UiAddresses(
            prefect_api=f"{base}:{prefect}/api",
            prefect_ui=f"{base}:{prefect}",
            mlflow=without_credentials(chosen) if chosen else f"{base}:{mlflow}",
            pages=f"{base}:{pages}",
        ),
    )


def servers_of(plan: Plan) -> list[list[Server]]:
    """Return the servers in waves: one starts when all of the wave before answer, and they stop in the other order."""
    env = environment(plan)
    first = [_prefect(plan, env)]
    if plan.mlflow is not None:
        first.append(_mlflow(plan.root, plan.mlflow, env))
    first.append(_pages(plan.pages, env))
    return [first, [_deployments(plan, env)]]


def environment(plan: Plan) -> dict[str, str]:
    """Return the environment of all servers: nothing reports home, and everything meets on the project's ports."""
    env = {name: value for name, value in os.environ.items() if name not in ELSEWHERE} | SILENT
    for name in ("NO_PROXY", "no_proxy"):  # a proxy must not be asked for what is on this machine
        env[name] = ",".join(filter(None, (env.get(name), HOST, "localhost")))
    env.pop("SOUNDATLAS_MLFLOW_UI", None)
    if plan.addresses.mlflow.startswith("http"):  # a database has no pages to link to
        env["SOUNDATLAS_MLFLOW_UI"] = plan.addresses.mlflow
    return env | {
        "PREFECT_HOME": str(plan.root / ".prefect"),
        "PREFECT_API_URL": plan.addresses.prefect_api,
        "PREFECT_UI_API_URL": plan.addresses.prefect_api,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{plan.prefect.number}" for name in HOSTS),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(plan.root), env.get("PYTHONPATH")))),
        "SOUNDATLAS_PAGES": plan.addresses.pages,
    }


def without_credentials(uri: str) -> str:
    """Return an address as it may be shown: without user, password, which may hold any sign, and query."""
    return re.sub(r"://([^/?#]*|[^:/?#]*:.*)@", "://", uri).partition("?")[0]


def _prefect(plan: Plan, env: Mapping[str, str]) -> Server:
    command = ["uvicorn", "--factory", PREFECT_APP, "--host", HOST, "--port", str(plan.prefect.number)]
    command += ["--log-level", "warning"]  # as `prefect server start` has it
    return Server("prefect", _module(*command), dict(env), lambda: _ask(f"{plan.addresses.prefect_api}/health"))


def _mlflow(root: Path, port: Port, env: Mapping[str, str]) -> Server:
    folder = root / "mlruns"
    command = [
        *("mlflow", "server", "--host", HOST, "--port", str(port.number), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    return Server("mlflow", _module(*command), dict(env), lambda: _ask(f"http://{HOST}:{port.number}/health"))


def _pages(port: Port, env: Mapping[str, str]) -> Server:
    command = _module("flows.pages", "--port", str(port.number))
    return Server("pages", command, dict(env), lambda: _ask(f"http://{HOST}:{port.number}/"))


def _deployments(plan: Plan, env: Mapping[str, str]) -> Server:
    began = datetime.now(UTC)
    url = f"{plan.addresses.prefect_api}/deployments/filter"
    return Server("deployments", _module("flows.deployments"), dict(env), lambda: _is_polled_since(url, began))


def _module(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _is_polled_since(url: str, began: datetime) -> bool:
    """Say whether somebody has asked for runs of a deployment since `began`: then the deployments are served."""
    try:
        rows = json.loads(_fetch(url, b"{}"))
    except (OSError, HTTPException, ValueError):
        return False
    return any(row["last_polled"] and datetime.fromisoformat(row["last_polled"]) >= began for row in rows)


def _ask(url: str) -> bool:
    try:
        _fetch(url)
    except (OSError, HTTPException):
        return False
    return True


def _fetch(url: str, body: bytes | None = None) -> bytes:
    """Return what a server on this machine answers, whatever proxy is set.

    Raises:
        OSError: when it does not answer, or says that something is wrong.
        HTTPException: when it answers something else than HTTP.
    """
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - http, on 127.0.0.1
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=ASK_TIMEOUT_SECONDS) as response:
        return bytes(response.read())
