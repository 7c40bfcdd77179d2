"""axe-core finds nothing serious on the map's page, by day and by night, in all that it can show."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import keep_picture, open_page
from playwright.sync_api import expect
from served_map import write_map
from synthetic_chart import make_chart

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[1] / "resources" / "vendor" / "axe.min.js"
RUN = "() => axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations)"
STATES = {
    "browse": "",
    "track": "#track=t:000003",
    "genre": "#genre=jig&colour=artist",
    "about": "#about=1&colour=year",
}


@pytest.fixture(scope="module")
def page_address(tmp_path_factory) -> str:
    """Give the address of a small map in the file system."""
    folder = tmp_path_factory.mktemp("atlas")
    write_map(make_chart(60, inbox=12), folder)
    return (folder / "index.html").as_uri()


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page_address, scheme, width):
    """Every state of the page, with the search open as well, has no finding that is serious or critical."""
    with open_page(with_webgl=True) as page:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900 if width > 1000 else 740})
        for name, state in STATES.items():
            page.goto("about:blank")
            page.goto(page_address + state)
            expect(page.locator("#panel h2")).to_be_visible()
            page.evaluate(AXE.read_text(encoding="utf-8"))
            assert serious(page.evaluate(RUN)) == []
            keep_picture(page, f"{name}-{width}-{scheme}")
        page.locator("#search").fill("art")
        expect(page.get_by_role("option").first).to_be_visible()
        assert serious(page.evaluate(RUN)) == []


def serious(violations: list[dict]) -> list[tuple]:
    """Return rule and elements of the findings that count."""
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:5])
        for each in violations
        if each["impact"] in {"serious", "critical"}
    ]
