"""kill -9 at random moments of `promote`, the stage and the command: no torn pin, one entry, a ledger that verifies."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tiny_project

from soundatlas.commands.succession import promote_version
from soundatlas.errors import UsageError
from soundatlas.files import read_json
from soundatlas.params import load_params
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.succession import Succession
from soundatlas.registry.tracking import Tracking
from soundatlas.stages import promote

pytestmark = pytest.mark.slow

KILLS = {"stage": int(os.environ.get("SOUNDATLAS_KILLS", "10")), "command": 5}
VICTIM = Path(__file__).parents[1] / "resources" / "killed_promotion.py"


@pytest.fixture(scope="module")
def challenged(computed: Path, model: Path, repository: Path, tmp_path_factory, tiny_params) -> Path:
    """Give a DVC project with a champion and a challenger that is not registered yet; copy it, never write to it."""
    from dvc.repo import Repo

    root = Path(shutil.copytree(computed, tmp_path_factory.mktemp("challenged") / "project"))
    params = tiny_project.start_project(root, repository, promote={"min_gain": -1.0, "min_first_gain": -1.0})
    shutil.copytree(model, root / "data/model")
    tracks = pd.read_parquet(root / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(root / "data/evaluation", tracks)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
            patch.delenv(name, raising=False)
        promote.run(root, params)
    shutil.rmtree(root / "data/model")
    tiny_project.write_model(root / "data/model", tiny_params, seed=2)
    tiny_project.write_evaluation(root / "data/evaluation", tracks)
    Repo.init(str(root), no_scm=True).close()
    return root


def start(root: Path, what: str) -> subprocess.Popen[str]:
    """Start the victim, and wait until it is about to begin."""
    process = subprocess.Popen([sys.executable, str(VICTIM), str(root), what], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line == "ready\n":
            return process
    pytest.fail("the victim never began")


def line_of(root: Path) -> Succession:
    """Return the project's succession, with no thought of the projects that were copied before."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()
    return Succession(ModelRegistry(Tracking(root), "soundatlas"))


@pytest.mark.parametrize("what", ["stage", "command"])
def test_killed_at_random_moments(challenged: Path, tmp_path: Path, what: str) -> None:
    """Whenever it dies, the pin is whole and names a model; run again, it ends as if nothing had happened."""
    champion = read_json(challenged / "data/champion.json")["content_sha256"]
    challenger = content_sha256(challenged / "data/model")
    whole = tmp_path / "whole"
    shutil.copytree(challenged, whole)
    if what == "command":
        with_version = line_of(whole).registry
        run = with_version.tracking.publish(whole / "data/model", whole / "data/evaluation")
        with_version.register(whole / "data/model", run)
    template = Path(shutil.copytree(whole, tmp_path / "template"))
    began = time.monotonic()
    assert start(whole, what).communicate()[0].endswith("done\n")
    lasts = time.monotonic() - began
    moments = random.Random(26)  # noqa: S311 - no secret
    survived = 0
    for number in range(KILLS[what]):
        root = Path(shutil.copytree(template, tmp_path / f"{number}"))
        process = start(root, what)
        time.sleep(moments.uniform(0, lasts))
        process.send_signal(signal.SIGKILL)
        survived += process.wait() == 0
        pin = read_json(root / "data/champion.json")
        assert set(pin) == {"name", "content_sha256", "contract_sha256"}
        assert pin["content_sha256"] in {champion, challenger}
        line = line_of(root)
        assert line.ledger.read().problems == ()
        if what == "stage":
            promote.run(root, load_params(root / "params.yaml"))
        else:
            with contextlib.suppress(UsageError):  # it had come so far that the next sync makes it champion
                promote_version(root, "2", "kill me", lambda: None)
            promote.export_champion(root, line.registry)
        assert read_json(root / "data/champion.json")["content_sha256"] == challenger
        assert line.registry.champion().content_sha256 == challenger
        chain = line.ledger.read()
        assert chain.problems == ()
        assert [entry.after.content_sha256 for entry in chain.entries] == [champion, challenger]
        assert line.sync() == []
        assert len(line.registry.versions()) == 2
        shutil.rmtree(root)
    assert survived < KILLS[what]
