"""The command of `soundatlas` that does not end by itself. Thin, as `cli` is, which registers it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from soundatlas.errors import UsageError


def watch(
    folder: Annotated[Path | None, typer.Argument(help="To watch; only read. [default: classify.inbox]")] = None,
    *,
    settle_seconds: Annotated[
        float, typer.Option(min=0.0, help="A file that has not changed for so long is taken as whole.")
    ] = 2.0,
    until_quiet: Annotated[bool, typer.Option("--until-quiet", help="End when all that lies there is done.")] = False,
    subscription: Annotated[
        str | None, typer.Option(help="Of Pub/Sub, instead of a folder: projects/<project>/subscriptions/<name>.")
    ] = None,
    under: Annotated[str | None, typer.Option(help="Where its messages may name files: gs://bucket/folder.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per file, for another program.")] = False,
) -> None:
    """Classify music with the champion as it arrives in a folder, until Ctrl-C: each audio once, kept in the history.

    Killed and started again, it goes on where it was. Example: soundatlas watch ~/Music/incoming --json
    """
    from soundatlas.commands.watch import watch_folder, watch_subscription

    if subscription is not None:
        if folder is not None or json or until_quiet:
            raise UsageError("--subscription goes with --under, and with nothing else")
        watch_subscription(subscription, under)
        return
    if under is not None:
        raise UsageError("--under goes with --subscription: it says where that one's messages may name files")
    watch_folder(folder, settle_seconds=settle_seconds, as_json=json, until_quiet=until_quiet)
