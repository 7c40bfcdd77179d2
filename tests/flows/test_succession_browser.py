"""Rollback and promotion as a person does them: from Prefect's forms, and looking at MLflow's page of two versions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from browser import keep_picture, press_submit
from playwright.sync_api import expect

from soundatlas.files import read_json

if TYPE_CHECKING:
    from pipeline_story import Project
    from playwright.sync_api import Page
    from served import ServedProject

pytestmark = pytest.mark.slow

REASON = "<b>calls</b> every reel a jig"


def soundatlas(project: Project, *arguments: str) -> str:
    """Run the command in the project; return what it printed."""
    command = [sys.executable, "-c", "from soundatlas.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=project.root, check=True, capture_output=True, text=True).stdout


def versions(project: Project) -> list[dict[str, object]]:
    """Return the versions as `soundatlas models` has them, the newest first."""
    return json.loads(soundatlas(project, "models", "--json"))


@pytest.fixture
def two_champions(served: ServedProject, run_project: Project) -> tuple[str, str]:
    """Give the numbers of the former and the present champion, of whom a second one is trained where there is none."""
    if len(versions(run_project)) < 2:
        run_project.edit_params(lambda values: values["train"].update(seed=99))
        assert served.finish(served.start_run("pipeline", target="promote"))["state"]["type"] == "COMPLETED"
        content = str(read_json(run_project.root / "data/champion.json")["content_sha256"])
        predictions = run_project.root / "data/predictions/predictions.csv"
        served.wait_until(lambda: content in predictions.read_text(), "reclassify follows the second champion")
    rows = versions(run_project)
    now = next(row for row in rows if row["is_champion"])
    before = next(row for row in rows if row["champion_since"] and not row["is_champion"])
    return str(before["version"]), str(now["version"])


def test_rollback_from_the_form(page: Page, served: ServedProject, run_project: Project, two_champions) -> None:
    """The form explains itself; the run moves the champion, says why, and `reclassify` follows with what flipped."""
    before, now = two_champions
    known = {run["id"] for run in served.runs("reclassify")}
    page.goto(f"{served.url}/deployments/deployment/{served.deployment('rollback')['id']}/run")
    expect(page.get_by_text("Number of a version that once was champion.")).to_be_visible()
    page.locator("textarea").last.fill(REASON)  # the fields stand in the order of the parameters
    keep_picture(page, "rollback-form")
    run = served.finish(press_submit(page, served, "rollback"))
    assert run["state"]["type"] == "COMPLETED", served.log(run["id"])
    assert run["parameters"] == {"to": "", "reason": REASON}
    rows = {row["version"]: row for row in versions(run_project)}
    assert rows[before]["is_champion"]
    assert read_json(run_project.root / "data/champion.json")["content_sha256"] == rows[before]["content_sha256"]
    artifacts = served.artifacts(run["id"])
    assert f"| before | version {now} |" in artifacts["champion"]
    assert "&lt;b&gt;calls&lt;/b&gt; every reel a jig" in artifacts["champion"]
    page.goto(f"{served.url}/runs/flow-run/{run['id']}")
    page.get_by_text("Artifacts", exact=True).first.click()
    for key in ("champion", "models"):
        expect(page.get_by_text(key, exact=True).first).to_be_visible()
    page.get_by_text("champion", exact=True).first.click()
    expect(page.get_by_text("rolled back").first).to_be_visible()
    keep_picture(page, "rollback-artifact")

    def followers() -> list[str]:
        runs = [run for run in served.runs("reclassify") if run["id"] not in known and not run["auto_scheduled"]]
        return [run["id"] for run in runs if run["state_type"] == "COMPLETED"]

    served.wait_until(followers, "reclassify runs on the event")
    predictions = (run_project.root / "data/predictions/predictions.csv").read_text()
    assert str(rows[before]["content_sha256"]) in predictions
    page.goto(f"{served.url}/runs/flow-run/{followers()[0]}")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("flips", exact=True).first.click()
    expect(page.get_by_text("stability index").first).to_be_visible()
    keep_picture(page, "flips-artifact")


def test_promotion_needs_a_reason(served: ServedProject, run_project: Project, two_champions) -> None:
    """Without one the run fails with the sentence that says so; with one it moves the champion, against the gate."""
    other = two_champions[0]
    silent = served.finish(served.start_run("promote", version=other, reason=" "))
    assert silent["state"]["type"] == "FAILED"
    assert "say why" in silent["state"]["message"]
    run = served.finish(served.start_run("promote", version=other, reason="it swings"))
    assert run["state"]["type"] == "COMPLETED", served.log(run["id"])
    said = soundatlas(run_project, "champion")
    assert f"is version {other} (" in said
    assert "promoted against the gate by " in said
    assert "each as it was written" in soundatlas(run_project, "history", "--verify")


def test_mlflow_compares_two_versions(page: Page, served: ServedProject, two_champions) -> None:
    """MLflow's own page shows both versions with the parameter that differs, the scores, the time and the size."""
    base = f"http://127.0.0.1:{served.mlflow}/#"
    page.goto(f"{base}/models/soundatlas")
    expect(page.get_by_text("macro_f1_genre").first).to_be_visible()
    keep_picture(page, "mlflow-versions")
    for number in two_champions:
        page.get_by_role("row").filter(has_text=f"Version {number}").get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Comparing 2 Versions")).to_be_visible()
    # MLflow hides what is equal in both, as two untrained models' scores may be, until it is asked for the whole.
    expect(page.get_by_text("Show diff only").first).to_be_visible()
    for differences_alone in page.get_by_role("switch").all():
        differences_alone.uncheck()
    for shown in ("train.seed", "ms_per_clip", "bundle_megabytes", "classes.genre.macro_f1"):
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()
    keep_picture(page, "mlflow-compare")
    page.goto(f"{base}/models/soundatlas.ledger")
    expect(page.get_by_text("soundatlas.ledger").first).to_be_visible()
    keep_picture(page, "mlflow-ledger")


def test_the_gate_s_page_opens_in_mlflow(page: Page, served: ServedProject) -> None:
    """The link of the artifact `gate` leads to the report, which MLflow shows, after a repeated training too."""
    run = served.finish(served.start_run("pipeline", target="promote", force=["train"]))
    [link] = re.findall(r"\((http[^)]+report\.html)\)", served.artifacts(run["id"])["gate"])
    page.goto(link)
    expect(page.frame_locator("iframe").first.get_by_text("What was asked")).to_be_visible()
    keep_picture(page, "mlflow-gate")
