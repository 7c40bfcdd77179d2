"""Where the project's servers answer while `make ui` runs: `.prefect/ui.json`, which other programs read."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

from soundatlas.files import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

RECORD = ".prefect/ui.json"
SAME_START_SECONDS = 2.0  # a process's start is read off two clocks


@dataclass(frozen=True)
class UiAddresses:
    """The addresses that `make ui` prints.

    Attributes:
        prefect_api: for `PREFECT_API_URL`.
        prefect_ui: Prefect in the browser.
        mlflow: MLflow in the browser, or the tracking server that the user has chosen.
        pages: the map at `/atlas/`, Data Docs at `/data-docs/`, the evaluation at `/evaluation/`.
    """

    prefect_api: str
    prefect_ui: str
    mlflow: str
    pages: str


def running_ui(root: Path, *, starting: bool = False) -> UiAddresses | None:
    """Return the addresses of the `make ui` that is up in a project, or None.

    What a killed one left behind does not count, nor what came along when the folder was copied.

    Args:
        root: the project.
        starting: whether one counts that does not answer yet.
    """
    try:
        record: dict[str, Any] = read_json(root / RECORD)
        began = psutil.Process(record["pid"]).create_time()
        is_alive = abs(began - record["create_time"]) < SAME_START_SECONDS and record["root"] == str(root.resolve())
        return UiAddresses(**record["addresses"]) if is_alive and (starting or record["ready"]) else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def record_ui(root: Path, addresses: UiAddresses, *, ready: bool) -> None:
    """Record that this process serves the project."""
    me = psutil.Process()
    record = {"pid": me.pid, "create_time": me.create_time(), "root": str(root.resolve()), "ready": ready}
    write_json(root / RECORD, record | {"addresses": asdict(addresses)})


def forget_ui(root: Path) -> None:
    """Remove the record, unless it is another process's."""
    try:
        is_ours = read_json(root / RECORD)["pid"] == os.getpid()
    except (OSError, ValueError, KeyError, TypeError):
        return
    if is_ours:
        (root / RECORD).unlink(missing_ok=True)
