"""What every command needs to print: a console that is wide enough, and text that is harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.plain_text import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["printable", "wide_console"]

PLAIN_WIDTH = 130


def wide_console() -> Console:
    """Return a console as wide as the terminal; in a file or a pipe, wide enough for a table."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)
