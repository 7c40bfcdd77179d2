"""A run from the Prefect UI as a person starts it: the form, the stages, what they left; in headless Chromium."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import keep_picture, press_submit
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from served import ServedProject

pytestmark = pytest.mark.slow


def test_a_run_from_the_form(page: Page, served: ServedProject) -> None:
    """The form offers DVC's stages with descriptions; the run shows a task run per stage, Cached ones, artifacts."""
    page.goto(f"{served.url}/deployments/deployment/{served.deployment('pipeline')['id']}/run")
    expect(page.get_by_text("Stages to run although nothing changed.")).to_be_visible()
    expect(page.get_by_text("They make this run a DVC experiment")).to_be_visible()
    keep_picture(page, "prefect-form")
    started = press_submit(page, served, "pipeline")
    page.goto(f"{served.url}/runs/flow-run/{started}")
    run = served.finish(started)
    assert run["state"]["type"] == "COMPLETED"
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()  # the page shows it as ended
    assert run["parameters"] == {"target": "all", "force": [], "overrides": []}
    keep_picture(page, "prefect-run")
    page.get_by_role("tab", name="Task Runs").or_(page.get_by_text("Task Runs", exact=True)).first.click()
    for stage in ("ingest", "catalog", "train", "classify"):
        expect(page.get_by_role("link", name=stage, exact=True).first).to_be_visible()
    expect(page.get_by_text("Cached").first).to_be_visible()
    keep_picture(page, "prefect-tasks")
    page.get_by_text("Artifacts", exact=True).first.click()
    for key in ("metrics", "validation", "gate", "models", "predictions", "mlflow-run"):
        expect(page.get_by_text(key, exact=True).first).to_be_visible()
    keep_picture(page, "prefect-artifacts")
    page.get_by_text("metrics", exact=True).first.click()
    expect(page.get_by_text("macro F1").first).to_be_visible()
    keep_picture(page, "prefect-metrics")


def test_the_links_of_a_run_lead_somewhere(page: Page, served: ServedProject) -> None:
    """Data Docs, the MLflow run and the registered version that a run's artifacts link to are there."""
    run = served.finish(served.start_run("pipeline"))
    artifacts = served.artifacts(run["id"])
    links = {
        key: re.search(r"\((http[^)]+)\)", artifacts[key])[1]
        for key in ("validation", "mlflow-run", "registered-version")
    }
    page.goto(links["validation"])
    expect(page.get_by_text("21 of 21")).to_be_visible()
    page.goto(links["mlflow-run"])
    expect(page.get_by_text("train.epochs").first).to_be_visible()
    keep_picture(page, "mlflow-run")
    page.goto(links["registered-version"])
    expect(page.get_by_text("content_sha256").first).to_be_visible()
    keep_picture(page, "mlflow-version")
