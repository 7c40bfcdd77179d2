"""DVC's stage graph, read from DVC itself: the only module that imports dvc.

`dvc.yaml` is the one place that knows the order of the pipeline. Whoever needs that order asks here.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from soundatlas.errors import SoundatlasError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

POLL_SECONDS = 1.0
ALWAYS = "always changed"  # DVC's word
OWN_OUTPUT = " (its own output)"


@dataclass(frozen=True)
class Stage:
    """A stage of `dvc.yaml`.

    Attributes:
        name: as in `dvc.yaml`.
        description: its `desc`, or an empty string.
        always_changed: whether DVC runs it every time, because it looks at something that DVC cannot hash.
        upstream: names of all stages that it depends on, directly or not.
    """

    name: str
    description: str
    always_changed: bool
    upstream: frozenset[str]


def read_stages(root: Path) -> tuple[Stage, ...]:
    """Return all stages in the order in which `dvc repro` runs them.

    Args:
        root: the folder that holds `dvc.yaml`.

    Raises:
        SoundatlasError: when DVC cannot read the project.
    """
    import networkx as nx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    logging.getLogger("dvc").setLevel(logging.ERROR)  # as a library it has nothing to tell the user
    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph
            in_file_order = [stage for stage in repo.index.stages if stage in graph]
            ordered = plan_repro(graph, in_file_order)
            return tuple(
                Stage(
                    name=stage.name,
                    description=stage.desc or "",
                    always_changed=bool(stage.always_changed),
                    upstream=frozenset(above.name for above in nx.descendants(graph, stage)),
                )
                for stage in ordered
            )
    except DvcException as error:
        raise SoundatlasError(f"DVC cannot read this project: {_one_line(error)}") from error


def read_metrics_of(root: Path, revision: str) -> dict[str, Any]:
    """Return the project's metrics in a git revision or a DVC experiment, as the metrics file holds them.

    Raises:
        SoundatlasError: when DVC cannot find them.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            shown = repo.metrics.show(revs=[revision], hide_workspace=True)
    except DvcException as error:
        raise SoundatlasError(f"DVC cannot show the metrics of {revision}: {_one_line(error)}") from error
    for found in shown.get(revision, {}).get("data", {}).values():
        if "data" in found:
            return dict(found["data"])
    raise SoundatlasError(f"DVC has no metrics of {revision}")


@contextlib.contextmanager
def holding_out(root: Path, out: str, on_wait: Callable[[], object]) -> Iterator[None]:
    """Write an out of the pipeline by other means than DVC: no `dvc repro` reads or writes it during the block.

    Without this, a stage that reads the out while it changes would be recorded as made from the new one.

    Args:
        root: the project.
        out: path below it.
        on_wait: called once, when DVC is at work on it.

    Raises:
        SoundatlasError: when this is no DVC project.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.rwlock import rwlock

    with _opened(root, "read this project") as repo:
        folder, files, hardlink = repo.tmp_dir, repo.fs, repo.config["core"].get("hardlink_lock", False)
    with contextlib.ExitStack() as held:
        waits = False
        while True:
            try:
                command = " ".join(sys.argv)
                held.enter_context(rwlock(folder, files, command, [], [str(root / out)], hardlink))
                break
            except LockError:
                if not waits:
                    on_wait()
                waits = True
                time.sleep(POLL_SECONDS)
            except DvcException as error:
                raise SoundatlasError(f"DVC's lock cannot be used: {_one_line(error)}") from error
        yield


def read_changes(root: Path) -> dict[str, list[str]]:
    """Return stage -> why `dvc repro` would run it, as far as DVC can tell now; nothing is run.

    A stage that is not named runs where one before it changes what it reads.

    Raises:
        SoundatlasError: when DVC cannot read the project, or another command is at work in it.
    """
    with contextlib.chdir(root), _opened(root, "say what has changed") as repo:  # DVC names things as seen from here
        status = repo.status()
    return {str(stage): [word for reason in reasons for word in _reasons(reason)] for stage, reasons in status.items()}


def _reasons(reason: str | dict[str, Any]) -> Iterator[str]:
    """Yield what DVC says of a stage in short: `always changed`, or what changed how."""
    if isinstance(reason, str):
        yield reason
        return
    for kind, changes in reason.items():
        if not isinstance(changes, dict):  # a changed command
            yield str(kind)
            continue
        for name, how in changes.items():
            each = how if isinstance(how, dict) else {name: how}
            yield from (f"{what} {word}{OWN_OUTPUT if kind == 'changed outs' else ''}" for what, word in each.items())


def read_lock(root: Path) -> dict[str, str]:
    """Return out -> its hash, as the last `dvc repro` left them in `dvc.lock`; empty before the first."""
    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    stages = YAML(typ="safe").load(path.read_text(encoding="utf-8")).get("stages", {})
    return {str(out["path"]): str(out.get("md5")) for stage in stages.values() for out in stage.get("outs", [])}


def read_cache(root: Path) -> dict[str, Path]:
    """Return the objects in DVC's cache, by their hash, and where each lies; folders' listings are left out.

    Raises:
        SoundatlasError: when DVC cannot read the project.
    """
    with _opened(root, "read its cache") as repo:
        odb = repo.cache.local
        if not odb.fs.exists(odb.path):
            return {}
        return {oid: Path(odb.oid_to_path(oid)) for oid in odb.all() if not oid.endswith(".dir")}


def purge_cache(root: Path, oids: Iterable[str]) -> None:
    """Remove objects from DVC's cache; versions of an out that held one are computed anew instead of restored.

    Raises:
        SoundatlasError: when DVC cannot read the project.
    """
    with _opened(root, "purge its cache") as repo:
        for oid in oids:
            repo.cache.local.delete(oid)


@contextlib.contextmanager
def holding_data(root: Path, what: str) -> Iterator[None]:
    """Keep DVC's commands from running stages during the block, by DVC's own locks, which end with their process.

    Args:
        root: of the project.
        what: to do, in the words of whoever has to wait.

    Raises:
        SoundatlasError: when another command or a stage is at work.
    """
    with contextlib.ExitStack() as held:
        with _opened(root, f"let `{what}` begin") as repo:  # a fault of the block is none of DVC's
            from dvc.rwlock import rwlock

            hardlink = repo.config["core"].get("hardlink_lock", False)
            held.enter_context(repo.lock)
            held.enter_context(rwlock(repo.tmp_dir, repo.fs, what, [], [str(root / "data")], hardlink))
        yield


def read_remotes(root: Path) -> dict[str, str]:
    """Return the project's remotes: name -> address.

    Raises:
        SoundatlasError: when DVC cannot read the project.
    """
    with _opened(root, "read its remotes") as repo:
        return {str(name): str(about["url"]) for name, about in repo.config["remote"].items()}


def purge_remote(root: Path, name: str, oids: Iterable[str]) -> list[str]:
    """Remove objects from a remote; return those that were there.

    Raises:
        SoundatlasError: when the remote cannot be reached, or keeps versions of its own.
    """
    with _opened(root, f"purge the remote {name}") as repo:
        odb = repo.cloud.get_remote_odb(name, "purge")
        there = [oid for oid in oids if odb.exists(oid)]
        for oid in there:
            odb.delete(oid)
        return there


@contextlib.contextmanager
def _opened(root: Path, what: str) -> Iterator[Any]:
    """Open the project with DVC, whose faults become one line."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)  # as a library it has nothing to tell the user
    try:
        with Repo(str(root)) as repo:
            yield repo
    except (DvcException, OSError) as error:
        raise SoundatlasError(f"DVC cannot {what}: {_one_line(error)}") from error


def down_to(stages: tuple[Stage, ...], target: str) -> tuple[Stage, ...]:
    """Return a stage and everything that it depends on, in order.

    Raises:
        UsageError: when there is no such stage.
    """
    wanted = find(stages, target)
    return tuple(stage for stage in stages if stage.name == target or stage.name in wanted.upstream)


def refreshing(stages: tuple[Stage, ...], targets: Sequence[str]) -> tuple[Stage, ...]:
    """Return some stages and those before them that look at the world outside: what refreshes them without training.

    For `classify` and `atlas` these are the stage that lists the inbox and the one that reads the registry's alias. The
    others are left alone: a schedule must not start a training because somebody is editing `params.yaml`.

    Raises:
        UsageError: when there is no such stage.
    """
    needed = {stage.name for target in targets for stage in down_to(stages, target) if stage.always_changed}
    return tuple(stage for stage in stages if stage.name in needed or stage.name in targets)


def find(stages: tuple[Stage, ...], name: str) -> Stage:
    """Return the stage of this name.

    Raises:
        UsageError: when there is none; the message lists those that there are.
    """
    for stage in stages:
        if stage.name == name:
            return stage
    raise UsageError(f"there is no stage {name!r} in dvc.yaml: choose one of {_listed(stage.name for stage in stages)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
