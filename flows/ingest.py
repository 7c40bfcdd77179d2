"""Ask the sources that params.yaml lists, and list what lies in the inbox and in local folders.

python -m flows.ingest
"""

from __future__ import annotations

from prefect import flow

from flows.source_tasks import ask_sources
from flows.stage_tasks import reproduce
from flows.workspace import holding_workspace
from soundatlas.files import project_root


@flow(name="ingest")
def ingest() -> None:
    """Ask the sources that params.yaml lists, then list inbox and local folders, without computing anything from it.

    As `soundatlas ingest` does it: credentials come from the environment of `make ui`, what was asked before is not
    asked again, and a source that wants no more requests for now ends the run with the moment from which on it may be
    asked.
    """
    root = project_root()
    with holding_workspace(root):
        ask_sources(root)
        reproduce(root, ["repro", "ingest"])


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(ingest)
