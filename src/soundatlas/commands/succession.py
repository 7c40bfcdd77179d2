"""`soundatlas rollback` and `soundatlas promote`: who is champion, decided by a person, entered in the history."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from soundatlas.commands.terminal import printable
from soundatlas.dag import holding_out
from soundatlas.errors import UsageError
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.registry.pin import PIN
from soundatlas.workspace import holding_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.registry.ledger import Entry
    from soundatlas.registry.pin import Champion
    from soundatlas.registry.succession import Succession

WAITING = "another run is at work in this project: waiting for it"


def roll_back(to: str | None, reason: str | None) -> None:
    """Make a former champion champion again, and say what follows from it."""
    root = project_root()
    with holding_lock(root, _say_waiting):
        _report(roll_back_to(root, to, reason, _say_waiting))


def promote(number: str, reason: str) -> None:
    """Make a version champion whatever the gate said, and say what follows from it."""
    root = project_root()
    with holding_lock(root, _say_waiting):
        _report(promote_version(root, number, reason, _say_waiting))


def roll_back_to(root: Path, to: str | None, reason: str | None, on_wait: Callable[[], object]) -> Entry:
    """Move the alias to a former champion, enter it in the history, and export the pin.

    Args:
        root: the project; its workspace lock is the caller's business.
        to: number of a version that once was champion; by default of the champion before the present one.
        reason: for the history.
        on_wait: called once, when a `dvc repro` is at work on the pin.

    Returns:
        the history's entry.

    Raises:
        UsageError: when there is no such former champion.
        BundleError: when its files are not those that were registered, or another version's of soundatlas.
    """
    why = (reason or "").strip() or "no reason was given"
    return _change(
        root, on_wait, lambda line: line.choose_earlier(to), lambda line, chosen: line.roll_back(chosen, why)
    )


def promote_version(root: Path, number: str, reason: str, on_wait: Callable[[], object]) -> Entry:
    """Move the alias to any version, against the gate if need be; arguments and faults as of `roll_back_to`.

    Raises:
        UsageError: when no reason is given, or there is no such version.
    """
    why = reason.strip()
    if not why:
        raise UsageError("say why: the history keeps the reason for what goes against the gate")
    return _change(root, on_wait, lambda line: line.choose_any(number), lambda line, chosen: line.override(chosen, why))


def _change(
    root: Path,
    on_wait: Callable[[], object],
    choose: Callable[[Succession], Champion],
    move: Callable[[Succession, Champion], Entry],
) -> Entry:
    """Choose, look whether that model can be used at all, and only then move."""
    from soundatlas.registry.contract import read_contract
    from soundatlas.registry.pin import export_pin
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.succession import Succession
    from soundatlas.registry.tracking import Tracking

    registry = ModelRegistry(Tracking(root), load_params(root / "params.yaml").promote.model_name)
    line = Succession(registry)
    with holding_out(root, str(PIN), on_wait):
        for said in line.sync():
            print(printable(said), file=sys.stderr)  # noqa: T201 - what the user should know first
        chosen = choose(line)
        folder = registry.fetch(chosen)
        read_contract(folder, chosen.content_sha256)
        entry = move(line, chosen)
        export_pin(root, registry.name, folder)
    return entry


def _report(entry: Entry) -> None:
    was = f"version {entry.before.version}" if entry.before else "nobody"
    now = f"version {entry.after.version}" if entry.after else "nobody"
    print(f"the champion of {entry.model} is {now}; it was {was}")  # noqa: T201 - the command's output
    print("what it classifies is stale now: `dvc repro` brings it up to date, from the cache where it can")  # noqa: T201 - likewise


def _say_waiting() -> None:
    print(WAITING, file=sys.stderr)  # noqa: T201 - why nothing happens
