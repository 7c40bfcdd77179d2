"""What a person who waits is told."""

from __future__ import annotations

from rich.console import Console


def tell(sentence: str) -> None:
    """Say something on the terminal, beside a command's own output."""
    Console(stderr=True).print(sentence, highlight=False, markup=False, soft_wrap=True)
