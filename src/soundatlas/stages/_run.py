"""What every stage's command line does around its `run`."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

from soundatlas.environment import quieten
from soundatlas.errors import SoundatlasError
from soundatlas.files import project_root
from soundatlas.params import load_params

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.params import Params


FULL = (errno.ENOSPC, errno.EDQUOT)


def run_stage(run: Callable[[Path, Params], None]) -> None:
    """Check `params.yaml`, run the stage in its project, and end with one line and an exit code on a known fault."""
    quieten()
    try:
        root = project_root()
        run(root, load_params(root / "params.yaml"))
    except SoundatlasError as error:
        print(f"soundatlas: {error}", file=sys.stderr)  # noqa: T201 - the stage's last word
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in FULL:
            raise
        print("soundatlas: the disk is full: free some space and run it again", file=sys.stderr)  # noqa: T201 - likewise
        sys.exit(SoundatlasError.exit_code)
