"""Where the `soundatlas` command begins: at the command line, or past it.

Understanding the command line takes as long as ten clips take to become spectrograms. So `soundatlas spectrograms
FOLDER --store STORE [--workers N]`, which may be called for every clip that comes in, is understood here when it is
spelled just so; everything else, mistakes and calls for help included, is left to `soundatlas.cli`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from soundatlas.reporting import reporting_faults

COMMAND = "spectrograms"
OPTIONS = ("--store", "--workers")


class PlainCall(NamedTuple):
    """A call of `soundatlas spectrograms` without anything unusual."""

    folder: Path
    store: Path
    workers: int | None


def main() -> None:
    """Run the command."""
    with reporting_faults():  # from here on: what is imported below takes long enough for a Ctrl-C
        plain = parse_plain_call(sys.argv[1:])
        if plain is None:
            from soundatlas.cli import main as run_any_command

            run_any_command()
            return
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own takes 15 MB for a table of a few kB
        from soundatlas.commands.store import compute_folder

        compute_folder(*plain)
        _end()


def _end() -> NoReturn:
    """End this process, all being done; taking the interpreter down object by object takes as long as a clip."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # nobody is to hear it
            stream.flush()
    os._exit(0)


def parse_plain_call(arguments: list[str]) -> PlainCall | None:
    """Return what is called for, or None where typer has to look at it."""
    if arguments[:1] != [COMMAND]:
        return None
    places: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments[1:])
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in OPTIONS and name not in options:
            options[name] = value if equals else next(rest, "")
        elif argument.startswith("-"):
            return None
        else:
            places.append(argument)
    store, workers = options.get("--store", ""), options.get("--workers", "1")
    if len(places) != 1 or not places[0] or not store or store.startswith("-"):
        return None
    if not (workers.isascii() and workers.isdecimal() and int(workers) > 0):
        return None
    return PlainCall(Path(places[0]), Path(store), int(workers) if "--workers" in options else None)
