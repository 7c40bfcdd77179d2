"""Runs on a real Prefect server: by name, at once, on a schedule, by event, with overrides, and after kill -9."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from pipeline_story import make_project

from soundatlas.files import read_json, sha256_file

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_story import Project
    from served import ServedProject

pytestmark = pytest.mark.slow

CACHED = ["catalog", "spectrograms", "backbone", "separate", "split", "validate", "train", "repeats", "evaluate"]
STAGES = ["ingest", *CACHED, "promote", "classify", "atlas"]


def test_a_flow_leaves_the_lock_that_dvc_repro_leaves(repository: Path, run_project: Project, tmp_path: Path) -> None:
    """`dvc.lock` after the flow equals, byte for byte, that of `dvc repro` in another folder."""
    other = make_project(repository, tmp_path / "other")
    other.run("dvc", "repro")
    assert (run_project.root / "dvc.lock").read_bytes() == (other.root / "dvc.lock").read_bytes()


def test_a_run_by_name_shows_what_dvc_skipped(served: ServedProject) -> None:
    """A run through its deployment has a task run per stage in DVC's order, skipped ones Cached, and its artifacts."""
    run = served.start_run("pipeline")
    assert served.finish(run)["state"]["type"] == "COMPLETED"
    states = served.states(run)
    assert list(states) == STAGES
    assert states == dict.fromkeys(STAGES, "Completed") | dict.fromkeys([*CACHED, "classify", "atlas"], "Cached")
    artifacts = served.artifacts(run)
    links = {"mlflow-run", "registered-version"}
    assert set(artifacts) == {"metrics", "validation", "gate", "models", "predictions", "flips"} | links
    assert "macro F1" in artifacts["metrics"]
    assert f"127.0.0.1:{served.pages}/data-docs/" in artifacts["validation"]
    assert f"127.0.0.1:{served.mlflow}/#/models/soundatlas/versions/1" in artifacts["registered-version"]


def test_a_page_from_elsewhere_cannot_start_runs(served: ServedProject) -> None:
    """Prefect answers neither a foreign page's script nor under a foreign name that was made to point here."""
    url = f"{served.url}/api/deployments/filter"

    def preflight(origin: str) -> httpx.Response:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return httpx.options(url, headers=headers | {"Access-Control-Request-Headers": "content-type"}, timeout=30)

    assert "access-control-allow-origin" not in preflight("https://evil.example").headers
    assert preflight(served.url).headers["access-control-allow-origin"] == served.url
    assert httpx.post(url, json={}, headers={"Host": "evil.example"}, timeout=30).status_code == httpx.codes.BAD_REQUEST
    assert httpx.post(url, json={}, timeout=30).status_code == httpx.codes.OK


def test_a_schedule_fires(served: ServedProject) -> None:
    """The cron of params.yaml makes runs of `reclassify` by itself, and one completes."""

    def completed() -> list[str]:
        runs = served.runs("reclassify")
        return [run["id"] for run in runs if run["auto_scheduled"] and run["state_type"] == "COMPLETED"]

    served.wait_until(completed, "a scheduled run completes")
    assert list(served.states(completed()[0])) == ["ingest", "promote", "classify", "atlas"]
    schedule = served.deployment("reclassify")["schedules"][0]
    assert schedule["schedule"]["cron"] == "* * * * *"
    served.switch_off(schedule)  # as in the UI: from here on nobody needs it
    assert served.deployment("reclassify")["schedules"][0]["active"] is False


def test_of_two_runs_at_once_the_second_waits(served: ServedProject) -> None:
    """Two runs started together both complete, one after the other."""
    first, second = served.start_run("pipeline", force=["split"]), served.start_run("pipeline", force=["split"])
    assert {served.finish(run)["state"]["type"] for run in (first, second)} == {"COMPLETED"}
    waited = [run for run in (first, second) if "another run is at work" in served.log(run)]
    assert len(waited) == 1
    assert served.states(first)["split"] == "Completed"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("train.epoch=3", "train.epoch "),
        ("train.epochs=0", "train.epochs"),
        ("train.learning_rate=fast", "train.learning_rate"),
    ],
)
def test_a_wrong_override_fails_at_once(served: ServedProject, run_project: Project, override: str, named: str) -> None:
    """An unknown key or an impossible value names the key; no stage starts and no file changes."""
    before = _files(run_project)
    run = served.finish(served.start_run("pipeline", overrides=[override]))
    assert run["state"]["type"] == "FAILED"
    assert named in run["state"]["message"]
    assert served.states(run["id"]) == {}
    assert _files(run_project) == before


def test_overrides_are_an_experiment(served: ServedProject, run_project: Project) -> None:
    """Overrides run as a DVC experiment down to evaluate: the user's files stay, its MLflow run has its name."""
    before = _files(run_project)
    versions = _versions(served)
    run = served.finish(served.start_run("pipeline", overrides=["train.epochs=1"]))
    assert run["state"]["type"] == "COMPLETED", served.log(run["id"])
    assert list(served.states(run["id"])) == STAGES[: STAGES.index("promote")]
    assert _files(run_project) == before
    assert _versions(served) == versions
    assert run["name"] in run_project.run("dvc", "exp", "list", "--name-only")
    assert f"training run {run['name']}" in served.artifacts(run["id"])["mlflow-run"]
    assert "this workspace" in served.artifacts(run["id"])["metrics"]


def test_a_new_champion_starts_reclassify(served: ServedProject, run_project: Project) -> None:
    """When a run moves the champion, Prefect starts `reclassify` on the event, and the predictions follow."""
    pinned = read_json(run_project.root / "data/champion.json")["content_sha256"]
    known = {run["id"] for run in served.runs("reclassify")}
    run_project.edit_params(lambda values: values["train"].update(seed=99))
    run = served.finish(served.start_run("pipeline", target="promote"))
    assert run["state"]["type"] == "COMPLETED", served.log(run["id"])
    assert "promoted" in served.artifacts(run["id"])["gate"]
    champion = read_json(run_project.root / "data/champion.json")["content_sha256"]
    assert champion != pinned

    def followed() -> bool:
        return any(
            each["state_type"] == "COMPLETED" and not each["auto_scheduled"]
            for each in served.runs("reclassify")
            if each["id"] not in known
        )

    served.wait_until(followed, "reclassify runs on the event")
    assert champion in (run_project.root / "data/predictions/predictions.csv").read_text()


def test_a_failed_stage_says_how_to_repeat_it(served: ServedProject, run_project: Project) -> None:
    """A stage that fails carries its last lines and the command that repeats it; what is after it has no task run."""
    run_project.edit_params(lambda values: values["validate"].update(min_year=1999))
    run = served.finish(served.start_run("pipeline"))
    run_project.edit_params(lambda values: values["validate"].update(min_year=1000))
    assert run["state"]["type"] == "FAILED"
    assert "dvc repro validate" in run["state"]["message"]
    states = served.states(run["id"])
    assert (states["validate"], [*states][-1]) == ("Failed", "validate")


def test_a_run_killed_in_a_stage_frees_the_workspace(served: ServedProject, run_project: Project) -> None:
    """Killed by -9 while it trains, a run ends with its stage and shows as crashed; the next one completes."""
    run = served.start_run("pipeline", force=["train"])
    served.wait_until(lambda: "train: epoch 1" in served.log(run), "training starts")
    trainer = _process("soundatlas.stages.train", run_project)
    os.kill(_run_process(run).pid, signal.SIGKILL)
    assert served.finish(run)["state"]["type"] == "CRASHED"
    served.wait_until(lambda: not trainer.is_running(), "the stage ends with its run")
    after = served.finish(served.start_run("pipeline"))
    assert after["state"]["type"] == "COMPLETED", served.log(after["id"])


def test_killed_servers_come_up_again(served: ServedProject, run_project: Project) -> None:
    """After kill -9 of `make ui` during a run, or of the Prefect server, the next start is clean and runs complete.

    The schedule that was switched off in the UI stays off.
    """
    shutil.rmtree(run_project.root / "data/.unfinished", ignore_errors=True)  # no earlier training to go on from
    run = served.start_run("pipeline", force=["train"])
    served.wait_until(lambda: "train: epoch 1" in served.log(run), "training starts")
    trainer = _process("soundatlas.stages.train", run_project)
    served.kill()
    served.start()
    assert not trainer.is_running()
    assert served.read_run(run)["state"]["type"] == "CRASHED"
    after = served.finish(served.start_run("pipeline"))
    assert after["state"]["type"] == "COMPLETED", served.log(after["id"])
    _process(f"flows.prefect_server:make_app --host 127.0.0.1 --port {served.prefect}", run_project).kill()
    assert served.process is not None
    assert served.process.wait(60) == 1
    served.start()
    assert served.finish(served.start_run("reclassify"))["state"]["type"] == "COMPLETED"
    assert served.deployment("reclassify")["schedules"][0]["active"] is False


def _files(project: Project) -> dict[str, str]:
    names = ("params.yaml", "dvc.yaml", "dvc.lock", "data/champion.json", "data/model/about.json")
    return {name: sha256_file(project.root / name) for name in names}


def _versions(served: ServedProject) -> int:
    url = f"http://127.0.0.1:{served.mlflow}/api/2.0/mlflow/model-versions/search"
    found = httpx.get(url, params={"filter": "name = 'soundatlas'"}, timeout=30)
    return len(found.json()["model_versions"])


def _process(words: str, project: Project) -> psutil.Process:
    """Return the innermost process of a project with these words on its command line."""
    about = psutil.process_iter(["cmdline", "cwd"])
    ours = [each for each in about if each.info["cwd"] == str(project.root.resolve())]
    found = [each for each in ours if words in " ".join(each.info["cmdline"] or [])]
    return max(found, key=lambda each: each.create_time())


def _run_process(run_id: str) -> psutil.Process:
    """Return the process that runs a flow run."""
    for each in psutil.process_iter():
        try:
            is_its = each.environ().get("PREFECT__FLOW_RUN_ID", "").replace("-", "") == run_id.replace("-", "")
            if is_its and "prefect" in " ".join(each.cmdline()):
                return each
        except psutil.Error:
            continue
    pytest.fail(f"no process runs {run_id}")
