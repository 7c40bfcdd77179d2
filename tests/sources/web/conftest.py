"""A service that says what a test tells it to, and a client of it whose waits take no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundatlas.sources.web.client import WebClient
from soundatlas.sources.web.site import Site
from tests.fakes.server import Answer, Asked, FakeServer
from tests.fakes.time import QuickTime

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo(FakeServer):
    """Answers everything with an object that holds the path."""

    def respond(self, asked: Asked) -> Answer:
        """Say what was asked."""
        return Answer(body={"path": asked.path})


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A service."""
    with Echo() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Echo]:
    """A service of somebody else, on another port."""
    with Echo() as server:
        yield server


@pytest.fixture
def quick_time() -> QuickTime:
    """Time that passes when somebody sleeps."""
    return QuickTime()


@pytest.fixture
def client(echo: Echo, quick_time: QuickTime) -> WebClient:
    """A client of `echo`, which the user configured; what waits for it takes no time."""
    return WebClient(Site("echo", (echo.url,)), clock=quick_time.clock)
