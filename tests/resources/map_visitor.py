"""What a visitor of the map's page sees and does: for tests in a browser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from soundatlas.atlas.chart import Chart

COUNT, INBOX = 60, 12
DRAWN = "() => performance.getEntriesByName('soundatlas first picture').length > 0"
PLAYS = "(after) => { const a = document.querySelector('audio'); return a && !a.paused && a.currentTime > after; }"
APP = "const { chart, picture } = soundatlas.app; "
PLACE = f"(id) => {{ {APP} return picture.camera.toScreen(...picture.place(chart.indexOf(id))); }}"
SHOWN = f"(id) => {{ {APP} return picture.isShown(chart.indexOf(id)); }}"
COLOUR = f"(id) => {{ {APP} return soundatlas.colouring.colouring(chart, 'genre').colour(chart.indexOf(id)); }}"
VIEW = f"() => {{ {APP} return picture.camera.view(); }}"


def click_point(page: Page, identity: str) -> None:
    """Click where a point is drawn, once the map stands still."""
    page.wait_for_function("() => !document.querySelector('#map').__transition")
    box = page.locator("#map").bounding_box()
    x, y = page.evaluate(PLACE, identity)
    page.mouse.click(box["x"] + x, box["y"] + y)


def lonely(chart: Chart) -> str:
    """Return the id of the catalogue's track that is furthest from all others, and so under no other."""
    nearest = chart.neighbours.similarities[:COUNT, 0]
    inside = chart.points["x"].abs()[:COUNT] < 0.8
    return chart.points["point_id"][int((nearest + 2 * ~inside.to_numpy()).argmin())]


def heading(page: Page) -> Locator:
    """Return the panel's heading."""
    return page.locator("#panel h2")


def pixel(page: Page, identity: str) -> list[int]:
    """Return red, green and blue of the screen where a point lies."""
    import matplotlib.image

    box = page.locator("#map").bounding_box()
    x, y = page.evaluate(PLACE, identity)
    picture = matplotlib.image.imread(io.BytesIO(page.screenshot()), format="png")
    return [round(255 * float(part)) for part in picture[round(box["y"] + y), round(box["x"] + x)][:3]]
