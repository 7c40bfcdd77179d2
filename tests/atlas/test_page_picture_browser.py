"""The map's page in a real browser: how it is drawn, its layers, and what different screens and people get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from browser import keep_picture
from map_visitor import APP, COLOUR, COUNT, PLAYS, SHOWN, click_point, heading, lonely, pixel
from playwright.sync_api import expect
from served_map import write_map
from synthetic_chart import make_chart

pytestmark = pytest.mark.slow

GLIDE = f"() => {{ {APP} picture.camera.show([0.2, 0.1, 4], true); return picture.camera.view(); }}"
TO_AND_FRO = """(versions) => versions.forEach((value) =>
    document.querySelector(`[name=version][value=${value}]`).click())"""
# Where a point is drawn, once a way from one version to another must have ended: it takes 0.7 s.
STILL = """async (id) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const start = performance.now();
    while (performance.now() < start + 1000) await frame();
    const { chart, picture } = soundatlas.app;
    return picture.place(chart.indexOf(id))[0];
}"""
# The parts of the browser's own audio player have no node; all that is ours has one.
WATCH_SHIFTS = """() => {
    window.shifted = [];
    const ours = (entry) => entry.sources.map((source) => source.node).filter((node) => node !== null);
    const note = (entry) => window.shifted.push(...ours(entry).map((node) => node.id || node.nodeName));
    const watch = new PerformanceObserver((list) => list.getEntries().forEach(note));
    watch.observe({ type: 'layout-shift', buffered: true });
}"""
# The browser's WebGL is played by the processor, and says so; here it keeps that to itself.
AS_IF_A_CARD = """WebGL2RenderingContext.prototype.getExtension = ((get) => function (name) {
    return name === 'WEBGL_debug_renderer_info' ? null : get.call(this, name);
})(WebGL2RenderingContext.prototype.getExtension);
WebGL2RenderingContext.prototype.getParameter = ((get) => function (name) {
    return name === this.RENDERER ? 'a graphics card' : get.call(this, name);
})(WebGL2RenderingContext.prototype.getParameter);"""


def test_a_label_of_this_catalogue_colours_the_map(visit, address):
    """A further text column is a choice of colours; the legend counts its names, which lead nowhere."""
    page = visit(address)
    page.locator("#colour").select_option("ensemble")
    entries = page.locator("#legend .entry")
    expect(entries.nth(0)).to_have_text(f"fiddle{COUNT // 3}")
    expect(entries.nth(1)).to_have_text(f"harp{COUNT // 3}")
    expect(entries.nth(2)).to_have_text("unknown")
    expect(page.locator("#legend button")).to_have_count(0)
    colour = COLOUR.replace("'genre'", "'ensemble'")
    fiddle, harp, none = (page.evaluate(colour, f"t:00000{number}") for number in range(3))
    assert fiddle != harp != none != fiddle


def test_a_name_of_the_inbox_alone_leads_nowhere(visit, tmp_path):
    """The legend's names are ways to their panels; one that no track of the catalogue has is a line of text."""
    chart = make_chart(COUNT, inbox=4)
    points = chart.points.assign(genre=[*chart.points["genre"][:COUNT], *["only here"] * 4])
    write_map(replace(chart, points=points), tmp_path)
    page = visit((tmp_path / "index.html").as_uri())
    expect(page.locator("#legend p.entry", has_text="only here4")).to_be_visible()
    expect(page.locator("#legend button")).to_have_count(chart.points["genre"][:COUNT].nunique())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_are_drawn_in_their_colours(visit, address, chart, scheme):
    """At the place of a point the picture has the colour that the legend gives its genre, by day and by night."""
    page = visit(address, color_scheme=scheme)
    identity = lonely(chart)
    assert pixel(page, identity) == pytest.approx(page.evaluate(COLOUR, identity), abs=12)
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light" if scheme == "dark" else "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light" if scheme == "dark" else "dark")
    keep_picture(page, f"browse-1280-not-{scheme}")


def test_a_graphics_card_draws_the_same_picture(visit, address, chart):
    """Where WebGL has a graphics card behind it, it draws; when the browser takes it away, the processor goes on."""
    page = visit(address, before=AS_IF_A_CARD)
    assert page.locator("#map").get_attribute("data-drawn") == "webgl"
    identity = lonely(chart)
    assert pixel(page, identity) == pytest.approx(page.evaluate(COLOUR, identity), abs=12)
    page.evaluate(
        "() => document.querySelector('#points').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    )
    expect(page.locator("#map[data-drawn=canvas]")).to_be_visible()
    assert pixel(page, identity) == pytest.approx(page.evaluate(COLOUR, identity), abs=12)


def test_without_webgl_the_map_is_drawn_all_the_same(visit, address, chart):
    """A browser that has none shows the same points, and says in About how; a click works."""
    page = visit(
        address,
        before="HTMLCanvasElement.prototype.getContext = ((get) => function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest);"
        " })(HTMLCanvasElement.prototype.getContext);",
    )
    identity = lonely(chart)
    assert pixel(page, identity) == pytest.approx(page.evaluate(COLOUR, identity), abs=12)
    page.get_by_role("button", name="About").click()
    expect(page.locator("#panel")).to_contain_text("drawn by the processor")
    click_point(page, identity)
    expect(page.locator("#panel audio")).to_be_visible()


def test_your_music_is_a_layer_of_its_own(visit, address, chart):
    """Files of the inbox can be hidden, filtered by confidence, and say that the model alone has placed them."""
    page = visit(address)
    points = chart.points[COUNT:]
    sure = points.loc[points["confidence"].idxmax(), "point_id"]
    unsure = points.loc[points["confidence"].idxmin(), "point_id"]
    assert page.evaluate(SHOWN, unsure)
    page.get_by_role("slider", name="confidence").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }", 0.6
    )
    page.wait_for_function(f"(id) => !({SHOWN})(id)", arg=unsure)
    assert page.evaluate(SHOWN, sure)
    assert page.evaluate(SHOWN, chart.points["point_id"][0])
    page.get_by_role("checkbox", name="Your music").uncheck()
    page.wait_for_function(f"(id) => !({SHOWN})(id)", arg=sure)
    page.locator("#panel section", has_text="Your music").locator("li button").first.click()
    expect(page.locator("#panel .head .kind")).to_have_text("your music")
    expect(page.locator("#panel")).to_contain_text("the model alone has placed this track")


def test_two_versions_can_be_compared(visit, address, chart):
    """The map before shows points where they were and hides what it lacked; arrows lead from one to the other."""
    page = visit(address, reduced_motion="reduce")
    known, new = chart.points["point_id"][1], chart.points["point_id"][0]
    page.get_by_role("radio", name="version 1").check()
    page.wait_for_function(f"(id) => !({SHOWN})(id)", arg=new)
    place = "(id) => soundatlas.app.picture.place(soundatlas.app.chart.indexOf(id))"
    before = [float(chart.previous.x[1]), float(chart.previous.y[1])]
    page.wait_for_function(f"([id, x]) => Math.abs(({place})(id)[0] - x) < 1e-6", arg=[known, before[0]])
    assert page.evaluate(place, known) == pytest.approx(before)
    page.get_by_role("radio", name="version 2, now").check()
    page.wait_for_function(f"(id) => ({SHOWN})(id)", arg=new)
    inked = (
        "() => { const c = document.querySelector('#marks');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((part) => part > 0); }"
    )
    assert not page.evaluate(inked)
    page.get_by_role("checkbox", name="Arrows of drift").check()
    page.wait_for_function(inked)


def test_the_version_that_was_chosen_last_is_the_one_that_is_drawn(visit, address, chart):
    """Who goes to the map before and at once back ends where the choice stands, however the two overlap."""
    page = visit(address)
    page.evaluate(TO_AND_FRO, ["before", "now"])
    x = page.evaluate(STILL, chart.points["point_id"][1])
    assert x == pytest.approx(float(chart.points["x"][1]), abs=1e-6)
    page.evaluate(TO_AND_FRO, ["before", "now", "before"])
    x = page.evaluate(STILL, chart.points["point_id"][1])
    assert x == pytest.approx(float(chart.previous.x[1]), abs=1e-6)


def test_the_map_says_how_good_it_is(visit, address, chart):
    """About tells each axis with its R2 and interval, the layout's figures, and whose ears these are."""
    page = visit(address)
    page.get_by_role("button", name="About").click()
    expect(heading(page)).to_be_focused()
    about = page.locator("#panel")
    expect(about).to_contain_text("R² 0.41, 95\u00a0% interval 0.3 to 0.52")
    expect(about.get_by_role("row", name="genre")).to_have_text("genre0.580.620.14")
    expect(about).to_contain_text(chart.model.content_sha256[:12])
    for side, name in (("left", "dense, atmospheric"), ("top", "mechanical, electric")):
        expect(page.locator(f"#axis-{side}")).to_have_text(name)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="About")).to_be_focused()


def test_labels_do_not_overlap(visit, address):
    """However near one comes, no name lies on another."""
    page = visit(address, reduced_motion="reduce")
    for _ in range(5):
        boxes = [label.bounding_box() for label in page.locator(".label").all()]
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                apart_x = one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
                apart_y = one["y"] >= other["y"] + other["height"] or other["y"] >= one["y"] + one["height"]
                assert apart_x or apart_y
        zoomed = page.evaluate("() => soundatlas.app.picture.camera.zoomed()")
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_function("(before) => soundatlas.app.picture.camera.zoomed() > before", arg=zoomed)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert boxes


def test_a_narrow_screen_holds_everything(visit, address, chart):
    """At 360 pixels nothing sticks out, the panel enlarges, and buttons are large enough for a finger."""
    page = visit(f"{address}#track={chart.points['point_id'][5]}", width=360, height=740, has_touch=True)
    expect(page.locator("#panel audio")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    low = page.locator("#panel").bounding_box()["height"]
    page.get_by_role("button", name="Enlarge the details").click()
    page.wait_for_function("(low) => document.querySelector('#panel').offsetHeight > 1.5 * low", arg=low)
    for button in page.locator("header button, .zoom button, .row").all()[:12]:
        assert min(button.bounding_box()["height"], 44) >= 40
    keep_picture(page, "track-360")


def test_nothing_jumps_while_it_loads_and_opens(visit, address, chart):
    """No element shifts another, neither while the page comes nor when a track is opened."""
    page = visit(f"{address}#track={chart.points['point_id'][5]}")
    page.evaluate(WATCH_SHIFTS)
    expect(page.locator("#panel audio")).to_be_visible()
    page.locator("#panel section", has_text="Sounds like").locator("li button").first.click()
    page.wait_for_function(PLAYS, arg=0)
    assert page.evaluate("() => window.shifted") == []


def test_reduced_motion_is_respected(visit, address):
    """Who asks for less motion sees the map at its new place at once."""
    page = visit(address, reduced_motion="reduce")
    assert page.evaluate(GLIDE) == pytest.approx([0.2, 0.1, 4], abs=1e-6)
    assert visit(address).evaluate(GLIDE)[2] < 2
