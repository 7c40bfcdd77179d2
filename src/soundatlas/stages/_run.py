"""What every stage's command line does around its `run`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.reporting import reporting_faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundatlas.params import Params
    from soundatlas.profiling import Profile


def run_profiled_stage(run: Callable[[Path, Params, Profile | None], None]) -> None:
    """Do as `run_stage`; with `--profile` on the command line, print where the time went."""
    parser = argparse.ArgumentParser(description="A stage of dvc.yaml; `dvc repro` runs it when it has to.")
    parser.add_argument("--profile", action="store_true", help="print where time and memory went")
    parser.add_argument("--profile-json", type=Path, metavar="FILE", help="write that to a file")
    asked = parser.parse_args()
    if not asked.profile and asked.profile_json is None:
        run_stage(lambda root, params: run(root, params, None))
        return
    from soundatlas.profiling import Profile

    profile = Profile()
    run_stage(lambda root, params: run(root, params, profile))
    profile.report(asked.profile_json)


def run_stage(run: Callable[[Path, Params], None]) -> None:
    """Check `params.yaml` and run the stage in its project; faults are told as `reporting_faults` does."""
    with reporting_faults():
        root = project_root()
        run(root, load_params(root / "params.yaml"))
