"""A small map, served, and a browser to visit it with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import open_page
from map_visitor import COUNT, DRAWN, INBOX
from served_map import serve, write_map
from synthetic_chart import make_chart

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def chart():
    """Give a small map with an inbox and a map before it."""
    return make_chart(COUNT, inbox=INBOX)


@pytest.fixture(scope="module")
def folder(chart, tmp_path_factory) -> Path:
    """Give the folder of the map."""
    made = tmp_path_factory.mktemp("atlas")
    write_map(chart, made)
    return made


@pytest.fixture(scope="module")
def address(folder):
    """Give where the map is served."""
    with serve(folder) as where:
        yield where


@pytest.fixture(scope="module")
def browser():
    """Give a browser with WebGL."""
    with open_page(with_webgl=True) as page:
        yield page.context.browser


@pytest.fixture
def visit(browser):
    """Give a function that opens the page; at the end, nothing must have been complained of or asked from elsewhere."""
    contexts, troubles = [], []

    def open_at(
        address: str, width: int = 1280, height: int = 900, before: str = "", tolerated: str = "$^", **options
    ) -> Page:
        def complain(text: str) -> None:
            troubles.extend([] if re.search(tolerated, text) else [text])

        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        own = ("file:", "data:") if address.startswith("file:") else ("data:", f"{address.split('#', maxsplit=1)[0]}")
        page.add_init_script(before)
        page.on("console", lambda said: said.type == "error" and complain(said.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("request", lambda asked: asked.url.startswith(own) or troubles.append(asked.url))
        page.goto(address)
        page.wait_for_function(DRAWN)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert troubles == []
