"""What every test may use."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Worker processes import what they run by name: their functions lie where any process can find them.
sys.path.insert(0, str(REPOSITORY / "tests" / "resources"))

# No test judges by the clock: a busy machine is not a fault.
hypothesis.settings.register_profile("soundatlas", deadline=None)
hypothesis.settings.load_profile("soundatlas")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Give the folder of the repository under test; read it, never write to it."""
    return REPOSITORY
