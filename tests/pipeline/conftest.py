"""Projects for the stories of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pipeline_story import Project, make_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project in which nothing has run yet; the tests of one module share it, in their order."""
    return make_project(repository, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def other_project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a second project like the first, elsewhere."""
    return make_project(repository, tmp_path_factory.mktemp("other"))
