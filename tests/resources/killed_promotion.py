"""A process that moves the champion and waits for being killed: `python killed_promotion.py ROOT stage|command`."""

from __future__ import annotations

import sys
from pathlib import Path

from soundatlas.commands.succession import promote_version
from soundatlas.params import load_params
from soundatlas.registry import bundle_writing, comparison, promotion, succession, tracking  # noqa: F401 - slow to import
from soundatlas.stages import _trial, promote  # noqa: F401 - likewise


def main() -> None:
    """Say when everything is imported, then do it, then say that it is done."""
    root, what = Path(sys.argv[1]), sys.argv[2]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if what == "stage":
        promote.run(root, load_params(root / "params.yaml"))
    else:
        promote_version(root, "2", "kill me", lambda: None)
    sys.stdout.write("done\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
