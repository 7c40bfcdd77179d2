"""What every stage's command line does around its `run`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from soundatlas.disk_faults import describe_disk_fault
from soundatlas.environment import quieten
from soundatlas.errors import SoundatlasError
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.termination import ending_cleanly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.params import Params


def run_stage(run: Callable[[Path, Params], None]) -> None:
    """Check `params.yaml` and run the stage in its project; a known fault or SIGTERM is one line and an exit code."""
    quieten()
    try:
        with ending_cleanly():
            root = project_root()
            run(root, load_params(root / "params.yaml"))
    except SoundatlasError as error:
        print(f"soundatlas: {error}", file=sys.stderr)  # noqa: T201 - the stage's last word
        sys.exit(error.exit_code)
    except OSError as error:
        if (said := describe_disk_fault(error)) is None:
            raise
        print(f"soundatlas: {said}", file=sys.stderr)  # noqa: T201 - likewise
        sys.exit(SoundatlasError.exit_code)
