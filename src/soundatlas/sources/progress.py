"""How far a long source has come: one bar on a terminal, a line every tenth otherwise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = 10  # that a run without a terminal prints


@contextmanager
def show_progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number of steps that were done; nothing is shown where there are none."""
    console = Console(stderr=True)
    if total == 0:
        yield lambda _: None
    elif console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(description, total=total)
            yield lambda steps: bar.advance(task, steps)
    else:
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            before, done = done, min(done + steps, total)
            if done * LINES // total > before * LINES // total:
                console.print(f"{description}: {100 * done // total} %", highlight=False)

        yield advance
