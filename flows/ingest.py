"""List what lies in the inbox and what the sources are made of.

python -m flows.ingest
"""

from __future__ import annotations

from prefect import flow

from flows.stage_tasks import reproduce
from flows.workspace import holding_workspace
from soundatlas.files import project_root


@flow(name="ingest")
def ingest() -> None:
    """List what lies in the inbox and what the sources are made of, without computing anything from it."""
    root = project_root()
    with holding_workspace(root):
        reproduce(root, ["repro", "ingest"])


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(ingest)
