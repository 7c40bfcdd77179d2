"""Prefect's server, which answers to the names of this machine alone: `python -m uvicorn --factory …:make_app`.

`prefect server start` has no setting for that. Whoever can talk to the server can have flows run, and commands through
them; a page from elsewhere whose name is made to point here could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.server.api.server import create_app
from starlette.middleware.trustedhost import TrustedHostMiddleware

from soundatlas.atlas.server import HOSTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def make_app() -> ASGIApp:
    """Return the application that `prefect server start` serves, behind a look at whom each request is meant for."""
    return TrustedHostMiddleware(create_app(final=True), allowed_hosts=HOSTS)
