"""MLflow, Prefect and credentials."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from soundatlas.doctor import services
from soundatlas.doctor.finding import Status
from soundatlas.doctor.services import CREDENTIALS, check_credentials, check_mlflow, check_prefect
from soundatlas.files import write_json
from soundatlas.registry.ledger import Event
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.tracking import Tracking

HIDDEN = "geheim-4711"


def test_before_the_first_training(tmp_path):
    """Without a database nothing is wrong, and none is made."""
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.OK
    assert "no mlruns/mlflow.db yet" in found.message
    assert not (tmp_path / "mlruns").exists()


def test_database_is_counted(tmp_path):
    """A sound database is summed up."""
    tracking = Tracking(tmp_path)
    tracking.client.create_run(tracking.experiment_id())
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.OK
    assert found.message == "mlruns/mlflow.db is sound; runs: 1, versions: 0, no champion"


def test_moved_project_is_repaired(tmp_path):
    """After a move the database is put right, and the doctor says from where; asked again, it has nothing to say."""
    before, after = tmp_path / "old place", tmp_path / "new"
    tracking = Tracking(before)
    tracking.client.create_run(tracking.experiment_id())
    shutil.move(before, after)
    moved, sound = check_mlflow(after)
    assert (moved.status, moved.message) == (Status.OK, f"the project was moved from {before}: repaired")
    assert sound.message.startswith("mlruns/mlflow.db is sound; runs: 1")
    with sqlite3.connect(after / "mlruns/mlflow.db") as connection:
        (place,) = connection.execute("SELECT artifact_uri FROM runs").fetchone()
    assert place.startswith((after / "mlruns/artifacts").as_uri())
    assert len(check_mlflow(after)) == 1


def test_registry_of_an_experiment_is_the_workspaces(tmp_path, monkeypatch):
    """Within a DVC experiment the registry is that of the real workspace."""
    Tracking(tmp_path / "workspace").experiment_id()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "workspace"))
    assert "is sound" in check_mlflow(tmp_path / "experiment")[0].message


def test_damaged_database(tmp_path):
    """A file that is no database is a fault that says how to get on."""
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns/mlflow.db").write_bytes(b"no database at all" * 500)
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.FAULT
    assert "is damaged" in found.message
    assert "`dvc repro promote`" in found.todo


def test_history_of_champions_is_checked(tmp_path):
    """A history as it was written is counted; one of which the last entry is gone is a fault that says so."""
    tracking = Tracking(tmp_path)
    ledger = Ledger(tracking.client, "soundatlas", tmp_path)
    for _ in range(2):
        ledger.append(Event.FOUND, "why", before=None, after=None, subject=None)
    _, sound = check_mlflow(tmp_path)
    assert (sound.status, sound.message) == (Status.OK, "the history of soundatlas is as it was written; entries: 2")
    tracking.client.delete_model_version(ledger.name, "2")
    _, found = check_mlflow(tmp_path)
    assert found.status is Status.FAULT
    assert "history of soundatlas is not as it was written: entry 2: it is missing" in found.message
    assert "history --verify" in found.todo


def test_database_with_a_torn_page(tmp_path):
    """A database that opens but has lost a page is a fault, too."""
    Tracking(tmp_path).experiment_id()
    database = tmp_path / "mlruns/mlflow.db"
    content = bytearray(database.read_bytes())
    content[-8192:] = b"\xff" * 8192
    database.write_bytes(content)
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.FAULT
    assert "is damaged" in found.message


def test_database_that_cannot_be_opened(tmp_path, monkeypatch):
    """A database that is locked is a fault of another kind: nothing is said to be damaged."""

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    Tracking(tmp_path).experiment_id()
    monkeypatch.setattr("soundatlas.registry.database.read_state", locked)
    (found,) = check_mlflow(tmp_path)
    assert (found.status, found.message) == (
        Status.FAULT,
        "mlruns/mlflow.db cannot be used: database is locked",
    )


def test_tracking_server_that_answers(tmp_path, monkeypatch, server):
    """The server in MLFLOW_TRACKING_URI is asked whether it is well."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{server.address}/")
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.OK
    assert server.asked == ["/health"]


@pytest.mark.parametrize(("status", "said"), [(401, "it answers 401 Unauthorized"), (503, "it answers 503")])
def test_tracking_server_that_is_not_well(tmp_path, monkeypatch, server, status, said):
    """A server that refuses or fails is a fault with its answer."""
    server.status = status
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{server.address}")
    (found,) = check_mlflow(tmp_path)
    assert found.status is Status.FAULT
    assert said in found.message


def test_server_that_keeps_silent(tmp_path, monkeypatch, server):
    """A server that takes the question and does not answer costs a moment, not the evening."""
    monkeypatch.setattr(services, "TIMEOUT_SECONDS", 0.2)
    server.delay_seconds = 2.0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{server.address}")
    assert "no answer within 0.2 s" in check_mlflow(tmp_path)[0].message


def test_own_servers_are_asked_without_a_proxy(tmp_path, monkeypatch, server, silent_prefect):
    """A proxy that is set for the internet is not asked about a server on this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, silent_prefect)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{server.address}")
    assert check_mlflow(tmp_path)[0].status is Status.OK


@pytest.mark.parametrize(
    "address",
    [
        "http://anna:{secret}@127.0.0.1:9",
        "http://anna:a#{secret}@127.0.0.1:9",
        "http://anna:{secret}/x@127.0.0.1:9",
        "http://{secret}@[bad",
        "http://anna:{secret}@127.0.0.1:{secret}@",
        "postgresql://anna:{secret}@host/db",
    ],
)
def test_login_in_an_address_is_never_shown(tmp_path, monkeypatch, address):
    """However the address is put together, and whatever is wrong with it, what it holds of a login is not repeated."""
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        monkeypatch.setenv(name, address.format(secret=HIDDEN))
    found = [each.without_logins() for each in (*check_mlflow(tmp_path), *check_prefect(tmp_path))]
    assert [each for each in found if HIDDEN in f"{each.message} {each.todo}"] == []
    assert found[1].status is Status.FAULT


@pytest.mark.parametrize(("uri", "status"), [("", Status.WARNING), ("databricks", Status.OK)])
def test_other_tracking_addresses(tmp_path, monkeypatch, uri, status):
    """An empty address is a trap; what is no server of ours is named and left alone."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert check_mlflow(tmp_path)[0].status is status


def test_prefect_is_not_needed(tmp_path):
    """Where no server runs and none was asked for, nothing is wrong."""
    (found,) = check_prefect(tmp_path)
    assert found.status is Status.OK
    assert "`make ui` starts one" in found.message


def test_prefect_that_was_asked_for(tmp_path, monkeypatch, silent_prefect):
    """A server in PREFECT_API_URL that does not answer is a fault."""
    monkeypatch.setenv("PREFECT_API_URL", silent_prefect)
    (found,) = check_prefect(tmp_path)
    assert found.status is Status.FAULT
    assert f"PREFECT_API_URL is {silent_prefect}: nobody answers" in found.message


def test_prefect_that_answers(tmp_path, monkeypatch, server):
    """A server that answers is named with its address."""
    monkeypatch.setenv("PREFECT_API_URL", f"http://{server.address}/api")
    (found,) = check_prefect(tmp_path)
    assert (found.status, found.message) == (Status.OK, f"the server at http://{server.address}/api answers")
    assert server.asked == ["/api/health"]


def test_prefect_of_a_user_interface_on_another_port(tmp_path, server):
    """The server of a `make ui` that was given another port is found."""
    addresses = {"prefect_api": f"http://{server.address}/api"}
    write_json(tmp_path / ".prefect/ui.json", {"addresses": addresses})
    assert check_prefect(tmp_path)[0].message == f"the server at http://{server.address}/api answers"


@pytest.mark.parametrize("text", ["", "[]", '{"addresses": null}'])
def test_damaged_record_of_a_user_interface(tmp_path, text):
    """A record that cannot be read is as good as none."""
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect/ui.json").write_text(text, encoding="utf-8")
    assert check_prefect(tmp_path)[0].status is Status.OK


def test_absent_credentials_are_no_fault(tmp_path):
    """Each variable is named with what it is needed for, and nothing is asked of the user."""
    findings = check_credentials(tmp_path)
    assert {each.status for each in findings} == {Status.OK}
    assert all("not set; only needed for" in each.message for each in findings)


def test_present_credentials_are_named_and_not_shown(tmp_path, monkeypatch):
    """Of a credential that is set only the name appears."""
    for names, _ in CREDENTIALS.values():
        for name in names:
            monkeypatch.setenv(name, HIDDEN)
    findings = check_credentials(tmp_path)
    shown = " ".join(f"{each.message} {each.todo}" for each in findings)
    assert all(name in shown for names, _ in CREDENTIALS.values() for name in names)
    assert "not set" not in shown
    assert HIDDEN not in shown
    assert str(len(HIDDEN)) not in shown


def test_half_a_credential(tmp_path, monkeypatch):
    """A name without its password is a warning that names both."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", HIDDEN)
    (found,) = [each for each in check_credentials(tmp_path) if each.status is not Status.OK]
    assert found.status is Status.WARNING
    assert found.message == "MLFLOW_TRACKING_USERNAME is set, MLFLOW_TRACKING_PASSWORD is not"
