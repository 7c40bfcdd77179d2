"""`soundatlas login` on the command line. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Let a service know who you are: `soundatlas login spotify`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def login() -> None:
    """Let a service know who you are."""


@app.command()
def spotify(
    *,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")] = False,
) -> None:
    """Log in to Spotify in the browser, for `soundatlas ingest spotify --playlist … --saved`.

    The login lies in a private file in your configuration folder, never in the project. SPOTIPY_CLIENT_ID is needed.
    """
    from soundatlas.commands.login import log_in_to_spotify

    log_in_to_spotify(browser=not no_browser)
