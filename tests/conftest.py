"""What every test may use."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from soundatlas.environment import quieten

REPOSITORY = Path(__file__).resolve().parents[1]
FLOWS = "tests/flows/"

# Worker processes import what they run by name: their functions lie where any process can find them.
sys.path.insert(0, str(REPOSITORY / "tests" / "resources"))

# No test judges by the clock: a busy machine is not a fault.
hypothesis.settings.register_profile("soundatlas", deadline=None)
hypothesis.settings.load_profile("soundatlas")

# Prefect reads its settings when it is imported: no test meets the servers or the state of whoever runs it.
for name in [name for name in os.environ if name.startswith("PREFECT_")]:
    del os.environ[name]
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="soundatlas-tests-")
os.environ["PREFECT_API_URL"] = ""

quieten()  # as in the program: before TensorFlow and MLflow are imported


def pytest_configure() -> None:
    """Have Ctrl-C arrive here and in what tests start, though a shell ignores it for what runs behind `&`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class FilesAndServers(LoadFileScheduling):
    """Keeps what shares a costly set-up in one worker: the tests of a file, and all of `tests/flows`: their servers."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return FLOWS if file.startswith(FLOWS) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndServers:
    """Let several workers share the tests by what they have in common."""
    return FilesAndServers(config, log)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Give the folder of the repository under test; read it, never write to it."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of the caller choose another registry."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_params(repository: Path):
    """Give the parameters of the tiny project."""
    import tiny_project

    return tiny_project.params_of(repository)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_params) -> Path:
    """Give the folder of a model; copy it, never write to it."""
    import tiny_project

    folder = tmp_path_factory.mktemp("model") / "model"
    tiny_project.write_model(folder, tiny_params)
    return folder


@pytest.fixture(scope="session")
def blended_model(tmp_path_factory: pytest.TempPathFactory, tiny_params) -> Path:
    """Give the folder of a model with two parts, network and statistics; copy it, never write to it."""
    import tiny_project

    folder = tmp_path_factory.mktemp("blended-model") / "model"
    tiny_project.write_model(folder, tiny_params, statistics=True)
    return folder


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    """Give a project as it starts: parameters and an empty inbox."""
    import tiny_project

    root = tmp_path / "project"
    tiny_project.start_project(root, repository)
    (root / "data/inbox").mkdir(parents=True)
    return root


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an MLflow database with its tables and nothing in them: making the tables costs seconds, copying nothing."""
    from soundatlas.registry.tracking import Tracking

    root = tmp_path_factory.mktemp("empty-database")
    Tracking(root).client.search_experiments()
    return root / "mlruns/mlflow.db"
