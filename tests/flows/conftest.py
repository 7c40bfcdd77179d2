"""A project with `make ui` up, for the stories that need a real server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from pipeline_story import make_project
from served import ServedProject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline_story import Project
    from playwright.sync_api import Page


@pytest.fixture(scope="session")
def run_project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose pipeline a flow has run once, from a terminal, with no server set up beforehand."""
    project = make_project(repository, tmp_path_factory.mktemp("served"))
    project.edit_params(lambda values: values["reclassify"].update(cron="* * * * *"))
    project.run(sys.executable, "-m", "flows.pipeline")
    return project


@pytest.fixture(scope="session")
def served(run_project: Project) -> Iterator[ServedProject]:
    """Give the project with `make ui` up."""
    served = ServedProject(run_project.root)
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Give a Prefect server and database of the tests' own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def page() -> Iterator[Page]:
    """Give a page of a headless browser."""
    from browser import open_page

    with open_page() as page:
        yield page
