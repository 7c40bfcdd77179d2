"""Progress of long work: a bar on a terminal, a line every tenth of the way in a log."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = 10


@contextlib.contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """Give a function to call after each of `total` steps.

    Args:
        description: what is being done, e.g. "computing spectrograms".
        total: number of steps; nothing is shown for none.
    """
    if total == 0:
        yield lambda: None
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda: bar.advance(task)
    else:
        yield _lines(description, total)


def _lines(description: str, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        before, done = done * LINES // total, done + 1
        if done * LINES // total > before:
            print(f"{description}: {done} of {total}", flush=True)  # noqa: T201 - this is its purpose

    return advance
