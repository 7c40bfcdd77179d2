"""`soundatlas backup` and `soundatlas restore`: the registry with its artifacts and its history, in one file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from soundatlas.commands.succession import WAITING
from soundatlas.commands.terminal import printable
from soundatlas.errors import NotReadyError
from soundatlas.files import project_root, read_json, refuse_no_file
from soundatlas.params import load_params
from soundatlas.workspace import holding_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVED = ".prefect/ui.json"
SAME_START_SECONDS = 2.0  # a process's start is read off two clocks


def make_backup(file: Path | None) -> None:
    """Write a backup and say where it lies."""
    from soundatlas.registry.backup import back_up

    root = project_root()
    if file is None:
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        file = root / "backups" / f"mlruns-{now}.tar"
    refuse_no_file(file)
    count = back_up(root, file)
    print(f"{count} files, {file.stat().st_size / 1e6:.1f} MB, in {printable(str(file))}")  # noqa: T201 - the command's output


def restore_backup(file: Path) -> None:
    """Put a backup in place, check its history, and say what to do next.

    Raises:
        NotReadyError: while `make ui` has the registry open.
    """
    from soundatlas.registry.backup import restore

    root = project_root()
    refuse_no_file(file)
    refuse_served(root)
    with holding_lock(root, _say(WAITING)):
        before = restore(root, file)
    if before is not None:
        print(f"what was in mlruns/ lies in {before.name}/ now; delete it when you no longer need it")  # noqa: T201 - the command's output
    for line in _check_history(root):
        print(line)  # noqa: T201 - likewise
    print("`dvc repro promote` exports the restored champion")  # noqa: T201 - likewise


def refuse_served(root: Path) -> None:
    """Make sure that no `make ui` serves the registry that is about to be exchanged.

    Raises:
        NotReadyError: when one does.
    """
    try:
        record = read_json(root / SERVED)
        is_ours = record["root"] == str(root.resolve())  # a copied project has the original's record with it
        since = psutil.Process(record["pid"]).create_time()
        is_served = is_ours and abs(since - record["create_time"]) < SAME_START_SECONDS
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return
    if is_served:
        raise NotReadyError("`make ui` has this registry open: stop it first")


def _check_history(root: Path) -> list[str]:
    from soundatlas.registry.ledger_store import Ledger
    from soundatlas.registry.tracking import Tracking

    name = load_params(root / "params.yaml").promote.model_name
    chain = Ledger(Tracking(root).client, name, root).read()
    problems = [f"the history is not as it was written: {printable(problem)}" for problem in chain.problems]
    return problems or [f"the history of {name} is whole: {len(chain.entries)} entries"]


def _say(line: str) -> Callable[[], None]:
    return lambda: print(line, file=sys.stderr)  # noqa: T201 - why nothing happens
