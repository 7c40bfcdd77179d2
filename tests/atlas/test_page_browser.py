"""The map's page in a real browser: what a visitor sees, hears and can do, by mouse and by keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import keep_picture, open_page
from playwright.sync_api import expect
from served_map import serve, write_map
from synthetic_chart import HOSTILE, make_chart

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

COUNT, INBOX = 60, 12
DRAWN = "() => performance.getEntriesByName('soundatlas first picture').length > 0"
PLAYS = "(after) => { const a = document.querySelector('audio'); return a && !a.paused && a.currentTime > after; }"
APP = "const { chart, picture } = soundatlas.app; "
PLACE = f"(id) => {{ {APP} return picture.camera.toScreen(...picture.place(chart.indexOf(id))); }}"
SHOWN = f"(id) => {{ {APP} return picture.isShown(chart.indexOf(id)); }}"
COLOUR = f"(id) => {{ {APP} return soundatlas.colouring.colouring(chart, 'genre').colour(chart.indexOf(id)); }}"
GLIDE = f"() => {{ {APP} picture.camera.show([0.2, 0.1, 4], true); return picture.camera.view(); }}"
VIEW = f"() => {{ {APP} return picture.camera.view(); }}"
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
TITLED = "(title) => document.querySelector('#panel h2').textContent === title"


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

    def open_at(address: str, width: int = 1280, height: int = 900, before: str = "", **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        own = ("file:", "data:") if address.startswith("file:") else ("data:", f"{address.split('#', maxsplit=1)[0]}")
        page.add_init_script(before)
        page.on("console", lambda said: said.type == "error" and troubles.append(said.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(own) or troubles.append(asked.url))
        page.goto(address)
        page.wait_for_function(DRAWN)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert troubles == []


def click_point(page: Page, identity: str) -> None:
    """Click where a point is drawn, once the map stands still."""
    page.wait_for_function("() => !document.querySelector('#map').__transition")
    box = page.locator("#map").bounding_box()
    x, y = page.evaluate(PLACE, identity)
    page.mouse.click(box["x"] + x, box["y"] + y)


def lonely(chart) -> str:
    """Return the id of the catalogue's track that is furthest from all others, and so under no other."""
    nearest = chart.neighbours.similarities[:COUNT, 0]
    inside = chart.points["x"].abs()[:COUNT] < 0.8
    return chart.points["point_id"][int((nearest + 2 * ~inside.to_numpy()).argmin())]


def heading(page: Page):
    """Return the panel's heading."""
    return page.locator("#panel h2")


def test_search_finds_an_artist_without_diacritics(visit, address, chart):
    """Typing plain letters finds the name with its marks; choosing it opens the artist with members and nearest."""
    page = visit(address)
    page.get_by_role("combobox", name="Search").fill("dvorak")
    expect(page.get_by_role("option").first).to_contain_text("Antonín Dvořák")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Antonín Dvořák")
    place = next(each for each in chart.places if each.name == "Antonín Dvořák")
    near = page.locator("#panel section", has_text="Nearest artists").locator("li")
    expect(near).to_have_count(len(place.indices))
    for row, index, similarity in zip(near.all(), place.indices, place.similarities, strict=True):
        expect(row).to_contain_text(chart.places[index].name)
        expect(row).to_contain_text(f"{similarity:.2f}")
    expect(page.get_by_role("heading", name=f"{place.count} track")).to_be_visible()


def test_search_says_when_there_is_nothing(visit, address):
    """A name that is not on the map is told as such, and Escape leaves the field empty-handed."""
    page = visit(address)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("zzzz")
    expect(page.locator("#found")).to_contain_text("Nothing by this name")
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_be_hidden()


def test_a_click_plays_the_track_and_tells_of_it(visit, address, chart):
    """The clip runs, and its picture, predictions with probabilities and labels with provenance stand beside it."""
    page = visit(address)
    identity = lonely(chart)
    click_point(page, identity)
    page.wait_for_function(PLAYS, arg=0.2)
    page.wait_for_function(PLAYS, arg=page.evaluate("document.querySelector('audio').currentTime"))
    index = chart.points["point_id"].tolist().index(identity)
    expect(heading(page)).to_have_text(chart.points["title"][index])
    page.wait_for_function("() => document.querySelector('.mel img').naturalWidth === 85")
    name, share = chart.predictions[index].heads["genre"][0]
    bar = page.locator("#panel .bar").first
    expect(bar).to_contain_text(name)
    assert int(bar.locator(".count").inner_text().removesuffix("\u00a0%")) == pytest.approx(100 * share, abs=0.51)
    origin = page.locator(".origin", has_text="from: score · CC0-1.0 · training allowed")
    expect(origin.locator("dd").first).to_have_text(chart.points["genre"][index])
    keep_picture(page, "track-1280")


def test_neighbours_are_the_charts_and_lead_on(visit, address, chart):
    """Names, similarities and reasons come in the chart's order; a click on one opens and plays it."""
    page = visit(f"{address}#track={chart.points['point_id'][3]}")
    rows = page.locator("#panel section", has_text="Sounds like").locator("li")
    expect(rows).to_have_count(chart.neighbours.indices.shape[1])
    known = chart.points["title"].fillna(chart.points["path"].str.rpartition("/")[2])
    for row, index, similarity, reason in zip(
        rows.all(),
        chart.neighbours.indices[3],
        chart.neighbours.similarities[3],
        chart.neighbours.reasons[3],
        strict=True,
    ):
        expect(row.locator(".what > .name")).to_have_text(known[index])
        expect(row.locator(".alike")).to_have_text(f"{similarity:.2f}")
        expect(row.locator(".reason")).to_have_text(reason)
    rows.first.get_by_role("button").click()
    expect(heading(page)).to_have_text(known[chart.neighbours.indices[3][0]])
    page.wait_for_function(PLAYS, arg=0)


def test_an_address_brings_back_what_was_seen(visit, address):
    """Selection, colours, layers and view are in the address; back and forward walk through what was opened."""
    page = visit(address)
    page.locator("#colour").select_option("tempo_bpm")
    page.get_by_role("checkbox", name="Your music").uncheck()
    page.locator("#panel").get_by_role("button", name=re.compile("^jig")).click()
    expect(heading(page)).to_have_text("jig")
    page.wait_for_url(re.compile("at="))
    page.wait_for_function("() => !document.querySelector('#map').__transition")
    page.wait_for_timeout(500)  # the address follows a quarter of a second later
    seen = page.evaluate(VIEW)
    other = visit(page.url)
    expect(heading(other)).to_have_text("jig")
    expect(other.locator("#colour")).to_have_value("tempo_bpm")
    expect(other.get_by_role("checkbox", name="Your music")).not_to_be_checked()
    assert other.evaluate(VIEW) == pytest.approx(seen, abs=0.01)
    page.locator("#panel section", has_text="tracks").locator("li button").last.click()
    expect(page.locator("#panel audio")).to_be_visible()
    page.go_back()
    expect(heading(page)).to_have_text("jig")
    page.go_forward()
    expect(page.locator("#panel audio")).to_be_visible()


def test_an_address_that_leads_nowhere_says_so(visit, address):
    """A track that is not on this map, and values that cannot be, leave the whole map and a word."""
    page = visit(f"{address}#track=t:999999&colour=__proto__&at=1,NaN,x&confidence=-7&version=never")
    expect(page.locator("#panel .note")).to_have_text("t:999999 is not on this map.")
    expect(page.locator("#colour")).to_have_value("genre")


def test_keys_alone_are_enough(visit, address):
    """Arrows go from point to point and say which, Enter opens and plays, Escape goes back to the map."""
    page = visit(address)
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('#live').textContent.length > 3")
    first = page.locator("#live").text_content()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(first) => document.querySelector('#live').textContent !== first", arg=first)
    cursor = page.evaluate("() => soundatlas.app.chart.titles[soundatlas.app.picture.marks.cursor]")
    assert page.locator("#live").text_content().startswith(cursor)
    page.keyboard.press("Enter")
    expect(heading(page)).to_be_focused()
    expect(heading(page)).to_have_text(cursor)
    page.wait_for_function(PLAYS, arg=0)
    page.keyboard.press("Escape")
    expect(page.locator("#map")).to_be_focused()
    expect(heading(page)).to_contain_text("60 tracks")
    zoomed = page.evaluate("() => soundatlas.app.picture.camera.zoomed()")
    page.keyboard.press("-")
    page.wait_for_function("(before) => soundatlas.app.picture.camera.zoomed() < before", arg=zoomed)
    page.keyboard.press("0")
    page.wait_for_function("() => soundatlas.app.picture.camera.isHome()")


def test_tab_reaches_the_map_the_layers_and_the_panel_in_order(visit, address):
    """Keys can skip the map; else their order is that of the page: search, map, layers, colours, zoom, panel."""
    page = visit(f"{address}#genre=jig")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading(page)).to_be_focused()
    expect(heading(page)).to_have_text("jig")
    page.reload()
    page.wait_for_function(DRAWN)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        found = page.evaluate("() => document.activeElement.closest('[id]')?.id")
        if found not in reached:
            reached.append(found)
    wanted = [
        "search",
        "browse",
        "about",
        "theme",
        "map",
        "layers",
        "legend-box",
        "colour",
        "zoom-in",
        "zoom-all",
        "panel-body",
    ]
    assert [each for each in reached if each in wanted] == wanted


def test_names_that_mean_harm_are_text(visit, tmp_path):
    """Scripts, quotes, directions, ten thousand characters and emoji are shown, and nothing happens."""
    chart = make_chart(44, inbox=4, hostile=True)
    write_map(chart, tmp_path)
    with serve(tmp_path) as where:
        page = visit(where)
        for index in range(0, 44, 2):
            title = chart.points["title"][index]
            page.evaluate("(id) => soundatlas.app.choose({ kind: 'track', id })", chart.points["point_id"][index])
            if isinstance(title, str):
                page.wait_for_function(TITLED, arg=title)
            assert page.evaluate("() => document.querySelector('#panel h2').offsetHeight") < 200
        for place in chart.places:
            page.evaluate("(target) => soundatlas.app.choose(target)", {"kind": place.kind, "id": place.name})
            page.wait_for_function(TITLED, arg=place.name)
        page.get_by_role("button", name="Browse").click()
        page.locator("#search").fill("<script")
        expect(page.get_by_role("option").first).to_contain_text(HOSTILE[0])
        assert page.evaluate("() => window.harmed") is None
        assert (
            page.evaluate("() => document.querySelectorAll('img[onerror], #panel script, #labels script').length") == 0
        )
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        page.locator("#search").fill("")
        keep_picture(page, "hostile-1280")
        page.close()


def test_it_opens_from_the_file_system(visit, folder, chart):
    """Without any server the map is drawn, details come, and the clip plays."""
    page = visit((folder / "index.html").as_uri())
    click_point(page, lonely(chart))
    page.wait_for_function(PLAYS, arg=0.1)
    page.get_by_role("button", name="Close").click()
    expect(heading(page)).to_contain_text("60 tracks")


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


def pixel(page: Page, identity: str) -> list[int]:
    """Return red, green and blue of the screen where a point lies."""
    import io

    import matplotlib.image

    box = page.locator("#map").bounding_box()
    x, y = page.evaluate(PLACE, identity)
    picture = matplotlib.image.imread(io.BytesIO(page.screenshot()), format="png")
    return [round(255 * float(part)) for part in picture[round(box["y"] + y), round(box["x"] + x)][:3]]


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
