"""What heavy packages read from the environment, and memory that is kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHURN = """
import resource, sys
import numpy as np
from soundatlas.environment import hold_memory
if sys.argv[1] == "held":
    hold_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    several = [np.ones(8_000_000, dtype=np.uint8) for _ in range(10)]
    del several
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", CHURN, how], text=True))


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has mallopt")
def test_held_memory_is_not_fetched_again() -> None:
    """Arrays of some megabytes that come and go cost page faults once, not at every turn."""
    assert _faults("held") < _faults("freed") / 5
