"""Prefect flows over DVC's stage graph: the only place that imports prefect.

Prefect reads its settings when it is first imported, so they are set here: its state lies in the project's
`.prefect/`, it reports nothing home, and a flow that is started from a terminal while `make ui` is up shows there.
"""

from __future__ import annotations

import os

from flows.addresses import running_ui
from soundatlas.environment import quieten
from soundatlas.errors import UsageError
from soundatlas.files import project_root

SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # its own 20 s are too few for a busy machine
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
}


def _settle() -> None:
    """Set what Prefect and DVC read from the environment, wherever the user has not."""
    quieten()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        root = project_root()
    except UsageError:  # imported from elsewhere, for example by a tool that reads docstrings
        return
    os.environ.setdefault("PREFECT_HOME", str(root / ".prefect"))
    if "PREFECT_API_URL" not in os.environ and (ui := running_ui(root)) is not None:
        os.environ["PREFECT_API_URL"] = ui.prefect_api


_settle()
