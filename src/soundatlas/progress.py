"""Progress of long work: a bar on a terminal, a line every tenth of the way in a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 10  # that a run without a terminal prints


class Advance(Protocol):
    """Called with the number of steps that were just done."""

    def __call__(self, steps: int = 1) -> None:
        """Show that `steps` more are done."""


def silent(steps: int = 1) -> None:
    """Show nothing: an `Advance` for work that is too small to be watched, or that nobody watches."""
    del steps


@contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """Give a function to call after each step; nothing is shown where there are none.

    Args:
        description: what is being done, e.g. "computing spectrograms".
        total: number of steps.
    """
    if total == 0:
        yield silent
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        text = TextColumn("{task.description}", markup=False)  # a description may hold a name, such as "Air [/live]"
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda steps=1: bar.advance(task, steps)
    else:
        done = 0

        def advance(steps: int = 1) -> None:
            nonlocal done
            before, done = done, min(done + steps, total)
            if done * LINES // total > before * LINES // total:
                print(f"{description}: {100 * done // total} %", file=sys.stderr, flush=True)  # noqa: T201 - the log's

        yield advance
