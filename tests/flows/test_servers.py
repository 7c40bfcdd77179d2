"""What `make ui` is going to start, and in which environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flows.servers import environment, make_plan, servers_of, without_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from flows.servers import Plan


def plan_of(root: Path) -> Plan:
    """Return a plan with the usual ports."""
    return make_plan(root, prefect=4200, mlflow=5000, pages=8088)


def test_prefect_is_up_before_the_deployments(tmp_path: Path) -> None:
    """The deployments are served when all else answers, and so are stopped first."""
    names = [[server.name for server in wave] for wave in servers_of(plan_of(tmp_path))]
    assert names == [["prefect", "mlflow", "pages"], ["deployments"]]


def test_a_chosen_tracking_server_takes_the_place_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With MLFLOW_TRACKING_URI no MLflow is started, and its address is shown without the password."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example/team?token=secret")
    plan = plan_of(tmp_path)
    assert [port.number for port in plan.ports] == [4200, 8088]
    assert [server.name for server in servers_of(plan)[0]] == ["prefect", "pages"]
    assert plan.addresses.mlflow == "https://mlflow.example/team"
    env = environment(plan)
    assert env["SOUNDATLAS_MLFLOW_UI"] == "https://mlflow.example/team"
    assert env["MLFLOW_TRACKING_URI"] == "https://me:secret@mlflow.example/team?token=secret"


def test_a_tracking_database_is_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where MLFLOW_TRACKING_URI is a database, flows get no address to link to."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/mlflow.db")
    plan = plan_of(tmp_path)
    assert plan.addresses.mlflow == "sqlite:////elsewhere/mlflow.db"
    assert "SOUNDATLAS_MLFLOW_UI" not in environment(plan)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://mlflow.example:5000", "http://mlflow.example:5000"),
        ("https://token@mlflow.example/a", "https://mlflow.example/a"),
        ("postgresql://me:se/cr:et@db.example/mlflow", "postgresql://db.example/mlflow"),
        ("file:///home/me@work/mlruns", "file:///home/me@work/mlruns"),
        ("databricks", "databricks"),
        ("http://me:p@ss@mlflow.example", "http://mlflow.example"),
        ("postgresql://db.example/mlflow?user=me&password=s3cret", "postgresql://db.example/mlflow"),
    ],
)
def test_no_credentials_are_shown(uri: str, shown: str) -> None:
    """An address loses user, password and query, and nothing else."""
    assert without_credentials(uri) == shown


def test_everything_meets_on_this_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers and flows share Prefect's state, address and code of the project, whatever the user's shell says."""
    monkeypatch.setenv("PREFECT_API_URL", "https://api.prefect.cloud/elsewhere")
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    monkeypatch.setenv("PREFECT_HOME", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    env = environment(plan_of(tmp_path))
    assert env["PREFECT_HOME"] == str(tmp_path / ".prefect")
    assert env["PREFECT_API_URL"] == env["PREFECT_UI_API_URL"] == "http://127.0.0.1:4200/api"
    assert "PREFECT_API_KEY" not in env
    assert env["PYTHONPATH"] == os.pathsep.join([str(tmp_path), "/mine"])
    assert env["SOUNDATLAS_MLFLOW_UI"] == "http://127.0.0.1:5000"
    assert env["SOUNDATLAS_PAGES"] == "http://127.0.0.1:8088"


def test_nothing_reports_home_or_asks_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry is off, and this machine's servers are reached directly."""
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    env = environment(plan_of(tmp_path))
    assert env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert env["DO_NOT_TRACK"] == "1"
    assert env["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
    assert env["no_proxy"] == "127.0.0.1,localhost"
