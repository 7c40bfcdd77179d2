"""A headless browser for the pages that a person looks at, and pictures of them."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from served import ServedProject

PRESSES, HEARD_WITHIN_SECONDS = 3, 60
SHOWN_WITHIN_MS = 60_000  # the UI polls, and the machine may be busy
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def open_page(*, with_webgl: bool = False) -> Iterator[Page]:
    """Give a page of a headless browser; with WebGL it computes that on the processor, as it has no graphics card."""
    graphics = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] if with_webgl else ["--disable-gpu"]
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage", *graphics]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(SHOWN_WITHIN_MS)
        expect.set_options(timeout=SHOWN_WITHIN_MS)
        yield page
        browser.close()


def press_submit(page: Page, served: ServedProject, flow: str) -> str:
    """Send the form of a deployment that is open; return the id of the run that it started.

    Pressed again while nothing comes of it and the form still is there, as a person does: Prefect's page does not ask
    again when the server's database was busy.
    """
    known = {run["id"] for run in served.runs(flow)}
    for _ in range(PRESSES):
        page.get_by_role("button", name="Submit").click()
        for _ in range(HEARD_WITHIN_SECONDS * 2):
            if new := {run["id"] for run in served.runs(flow)} - known:
                [started] = new
                return started
            page.wait_for_timeout(500)
    pytest.fail(f"the form never starts {flow}")


def keep_picture(page: Page, name: str) -> None:
    """Keep a picture where SOUNDATLAS_PICTURES says, for a person to look at."""
    if folder := os.environ.get("SOUNDATLAS_PICTURES"):
        page.wait_for_timeout(1500)  # for what is still being drawn
        page.screenshot(path=Path(folder) / f"{name}.png")
