"""`soundatlas watch`: new music is classified as it arrives."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from rich.markup import escape

from soundatlas.commands.classify import label_with_probability, rows_as_json
from soundatlas.commands.terminal import printable, wide_console
from soundatlas.commands.watching import NO_CHAMPION, Watch
from soundatlas.errors import NotReadyError, UsageError
from soundatlas.files import project_root, registry_root
from soundatlas.params import load_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from soundatlas.registry.pin import Champion

LOCK = "data/history/watch.lock"
LOOKS_PER_SETTLING = 2
SHORTEST_PAUSE_SECONDS = 0.1


def watch_folder(folder: Path | None, *, settle_seconds: float, as_json: bool, until_quiet: bool) -> None:
    """Classify what lies in a folder and what arrives there, until Ctrl-C.

    Args:
        folder: to watch; by default the inbox of `params.yaml`.
        settle_seconds: for how long a file must stay as it is to be taken as whole.
        as_json: print a line of JSON per file instead of a sentence.
        until_quiet: end once everything that lies there has been looked at.

    Raises:
        UsageError: when there is no such folder, or another watch is at work in the project.
        NotReadyError: when there is no champion yet.
    """
    from soundatlas.sources.arrivals import Arrivals

    root = project_root()
    params = load_params(root / "params.yaml")
    place = (folder or root / params.classify.inbox).resolve()
    if not place.is_dir():
        raise UsageError(f"{printable(str(place))} is no folder")
    with _only_one(root):
        arrivals = Arrivals(place, settle_seconds)
        watch = Watch(root, params, arrivals, _tell_as_json if as_json else _tell(params.train.classes))
        try:
            while True:
                watch.look()
                if until_quiet and watch.quiet:
                    return
                time.sleep(max(SHORTEST_PAUSE_SECONDS, settle_seconds / LOOKS_PER_SETTLING))
        except KeyboardInterrupt:
            return


def watch_subscription(subscription: str, under: str | None) -> None:
    """Classify the audio that the messages of a Pub/Sub subscription name, until Ctrl-C, on the engine's runner.

    Args:
        subscription: its full name.
        under: what the URLs in the messages must begin with.

    Raises:
        UsageError: when `under` is missing, the subscription is none, or another watch is at work in the project.
        NotReadyError: when there is no champion yet, or a package is missing.
    """
    from soundatlas.history.audit import PREDICTION, Step, open_audit
    from soundatlas.history.store import open_history
    from soundatlas.registry.contract import read_contract
    from soundatlas.registry.pin import read_champion
    from soundatlas.registry.prediction_key import model_key
    from soundatlas.scale.delegation import delegate_messages

    if not under:
        raise UsageError("--subscription needs --under: the folder that messages may name, such as gs://bucket/new")
    root = project_root()
    params = load_params(root / "params.yaml")
    pinned = read_champion(root)
    if pinned is None:
        raise NotReadyError(NO_CHAMPION)
    champion, folder = pinned
    key = model_key(read_contract(folder, champion.content_sha256))
    step = Step(PREDICTION, key.contract_sha256, key.model_sha256)
    with _only_one(root), open_history(root) as history, open_audit(root, "watch") as trail:
        try:
            delegate_messages(
                subscription,
                under,
                folder,
                champion,
                root,
                params=params,
                keep=lambda answers: history.keep(key, answers),
                note=trail.noting(step),
            )
        except KeyboardInterrupt:
            return


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Keep a second watch out of a project: both would hear the same file. The system frees the lock of a dead one."""
    path = registry_root(root) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError("another `soundatlas watch` is at work in this project: one is enough") from None
    try:
        yield
    finally:
        lock.release()


def _tell_as_json(table: pd.DataFrame, champion: Champion) -> None:
    del champion  # each row names it
    for row in rows_as_json(table):
        print(json.dumps(row, ensure_ascii=False), flush=True)  # noqa: T201 - the command's output


def _tell(heads: list[str]) -> Callable[[pd.DataFrame, Champion], None]:
    console = wide_console()

    def tell(table: pd.DataFrame, champion: Champion) -> None:
        for row in table.to_dict("records"):
            labels = ", ".join(filter(None, (label_with_probability(row, head) for head in heads)))
            said = labels or escape(printable(f"{row['status']}: {row['message']}"))
            name = escape(printable(str(row["path"])))
            console.print(f"{name}: {said} (version {champion.version})", soft_wrap=True, highlight=False)

    return tell
