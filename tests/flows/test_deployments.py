"""What is offered in the Prefect UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prefect.client.orchestration import get_client

from flows.deployments import check_cron, make_deployments, remember_schedule
from soundatlas.errors import ParamsError
from soundatlas.params import ReclassifyParams

if TYPE_CHECKING:
    from pathlib import Path


FLOWS = ("pipeline", "reclassify", "ingest", "rollback", "promote")


def registered(root: Path) -> dict[str, list[str]]:
    """Register the deployments, as a start of `make ui` does; return flow -> the cron lines that it has then."""
    with get_client(sync_client=True) as client:
        for deployment in make_deployments(root, client):
            deployment.apply()
        remember_schedule(root)
        found = {flow: client.read_deployment_by_name(f"{flow}/soundatlas") for flow in FLOWS}
    return {flow: [each.schedule.cron for each in deployment.schedules] for flow, deployment in found.items()}


@pytest.mark.parametrize("cron", ["61 * * * *", "a b c d e", "0 25 * * *"])
def test_a_cron_line_that_is_none(cron: str) -> None:
    """A line that Prefect cannot read is refused by the key's name."""
    with pytest.raises(ParamsError, match=r"params.yaml: reclassify.cron is '"):
        check_cron(ReclassifyParams(cron=cron, timezone="UTC", max_psi=0.25))


@pytest.mark.usefixtures("prefect_server")
def test_schedules_outlive_a_restart(project: Path) -> None:
    """A first start gives the schedule of params.yaml; later ones keep what the UI has, until params.yaml changes."""
    assert registered(project) == {flow: [] for flow in FLOWS} | {"reclassify": ["0 6 * * *"]}
    with get_client(sync_client=True) as client:
        there = client.read_deployment_by_name("reclassify/soundatlas")
        client.delete_deployment_schedule(there.id, there.schedules[0].id)
    assert registered(project)["reclassify"] == []
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("0 6 * * *", "30 7 * * *"))
    assert registered(project)["reclassify"] == ["30 7 * * *"]


@pytest.mark.usefixtures("prefect_server")
def test_forms_explain_themselves(project: Path) -> None:
    """The form of `promote` cannot be sent without version and reason; each field says what it is for."""
    registered(project)
    with get_client(sync_client=True) as client:
        forms = {
            flow: client.read_deployment_by_name(f"{flow}/soundatlas").parameter_openapi_schema
            for flow in ("rollback", "promote")
        }
    assert forms["promote"]["required"] == ["version", "reason"]
    assert forms["rollback"].get("required", []) == []
    for form in forms.values():
        assert all(field["description"] for field in form["properties"].values())
