"""`soundatlas login`: let a service know who you are."""

from __future__ import annotations

import os
import webbrowser
from typing import TYPE_CHECKING

from rich.console import Console

from soundatlas.sources.spotify_login import log_in

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_SECONDS = 300.0


def log_in_to_spotify(
    *, browser: bool, timeout_seconds: float = TIMEOUT_SECONDS, open_page: Callable[[str], bool] = webbrowser.open
) -> None:
    """Log the user in to Spotify in the browser, and say where the token lies.

    Args:
        browser: open it; the address is printed all the same.
        timeout_seconds: for how long to wait for the user.
        open_page: opens an address in the browser; its word that it did is not relied on.
    """
    console = Console()

    def show(url: str) -> None:
        console.print("Open this address in a browser on this machine, if none opens by itself:", highlight=False)
        console.print(url, highlight=False, markup=False, soft_wrap=True)
        if browser:
            open_page(url)
        console.print("Waiting for you to log in …", highlight=False)

    tokens = log_in(os.environ, show, timeout_seconds=timeout_seconds)
    console.print(
        f"Logged in to Spotify. The login is kept in {tokens.path}, for you alone; delete the file to log out.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
