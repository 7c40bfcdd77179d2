"""The map's page in a real browser: what a visitor finds, hears and is told, by mouse and by keys."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from browser import keep_picture
from map_visitor import APP, COUNT, DRAWN, INBOX, PLAYS, SHOWN, VIEW, click_point, heading, lonely
from playwright.sync_api import expect
from served_map import CLIP, serve, write_map
from synthetic_chart import HOSTILE, make_chart

from soundatlas.atlas.similar import SIMILAR_NAME, similar_table
from soundatlas.tables import write_table

pytestmark = pytest.mark.slow

ADDRESSED = f"""() => {{
    {APP}
    const told = soundatlas.address.read(location.hash, ['genre']).view;
    return told !== null && told.every((part, i) => Math.abs(part - picture.camera.view()[i]) < 0.001);
}}"""
TITLED = "(title) => document.querySelector('#panel h2').textContent === title"


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


def test_neighbours_are_those_of_the_terminal(visit, address, chart, tmp_path):
    """The page and `soundatlas similar` name the same tracks with the same similarities and reasons."""
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    write_table(similar_table(chart), tmp_path / "data/atlas" / SIMILAR_NAME)
    identity = chart.points["point_id"][7]
    command = [sys.executable, "-c", "from soundatlas.cli import main; main()", "similar", identity, "--json"]
    told = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    page = visit(f"{address}#track={identity}")
    rows = page.locator("#panel section", has_text="Sounds like").locator("li")
    expect(rows).to_have_count(len(told["neighbours"]))
    for row, near in zip(rows.all(), told["neighbours"], strict=True):
        assert near["name"].endswith(row.locator(".what > .name").inner_text())
        expect(row.locator(".alike")).to_have_text(f"{near['similarity']:.2f}")
        expect(row.locator(".reason")).to_have_text(near["reason"])


def test_an_address_brings_back_what_was_seen(visit, address):
    """Selection, colours, layers and view are in the address; back and forward walk through what was opened."""
    page = visit(address)
    page.locator("#colour").select_option("tempo_bpm")
    page.get_by_role("checkbox", name="Your music").uncheck()
    page.locator("#panel").get_by_role("button", name=re.compile("^jig")).click()
    expect(heading(page)).to_have_text("jig")
    page.wait_for_url(re.compile("at="))
    page.wait_for_function("() => !document.querySelector('#map').__transition")
    page.wait_for_function(ADDRESSED)  # it follows once the map stands still
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


def test_an_address_of_a_version_that_is_not_there_shows_the_map_of_now(visit, tmp_path):
    """A link to the version before, on a map that has none, shows every track, and back to it does as well."""
    write_map(make_chart(COUNT, inbox=INBOX, previous=False), tmp_path)
    page = visit(f"{(tmp_path / 'index.html').as_uri()}#version=before&drift=1")
    assert page.evaluate(SHOWN, "t:000000")
    page.evaluate("() => soundatlas.app.choose({ kind: 'genre', id: 'jig' })")
    expect(heading(page)).to_have_text("jig")
    assert page.url.rpartition("#")[2].startswith("genre=jig")
    assert "version" not in page.url.rpartition("#")[2]
    page.evaluate("() => { location.hash = 'version=before&track=t:000003'; }")
    expect(heading(page)).to_have_text("Piece 3")
    assert page.evaluate(SHOWN, "t:000000")


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


def test_a_column_may_have_any_name(visit, tmp_path):
    """A number of the catalogue that is called as a part of every object colours the map like any other."""
    chart = make_chart(COUNT)
    named = chart.points.rename(columns={"tempo_bpm": "__proto__"})
    write_map(replace(chart, points=named, attributes=("__proto__", "acousticness")), tmp_path)
    page = visit(f"{(tmp_path / 'index.html').as_uri()}#colour=__proto__")
    expect(page.locator("#colour")).to_have_value("__proto__")
    expect(page.locator("#legend .ends span")).to_have_count(2)


def test_it_opens_from_the_file_system(visit, folder, chart):
    """Without any server the map is drawn, details come, and the clip plays."""
    page = visit((folder / "index.html").as_uri())
    click_point(page, lonely(chart))
    page.wait_for_function(PLAYS, arg=0.1)
    page.get_by_role("button", name="Close").click()
    expect(heading(page)).to_contain_text("60 tracks")


def test_what_is_missing_from_the_folder_is_told(visit, tmp_path):
    """A clip that was deleted, and details that were, leave a sentence in the panel and the map in order."""
    write_map(make_chart(COUNT, inbox=INBOX), tmp_path)
    (tmp_path / CLIP).unlink()
    page = visit(f"{(tmp_path / 'index.html').as_uri()}#track=t:000003", tolerated="ERR_FILE_NOT_FOUND|is not there")
    expect(page.locator("#panel .sound .note")).to_contain_text("This clip cannot be played")
    (tmp_path / "data/details/0.js").unlink()
    page.reload()
    page.wait_for_function(DRAWN)
    expect(page.locator("#panel .note")).to_contain_text("make it anew")
    page.get_by_role("button", name="About").click()
    expect(heading(page)).to_have_text("About this map")


def test_details_of_another_map_are_not_shown(visit, tmp_path):
    """A page that stayed open while its map was drawn anew says so, and after a reload shows the new one."""
    write_map(make_chart(COUNT, inbox=INBOX), tmp_path)
    with serve(tmp_path) as where:
        page = visit(where)
        write_map(make_chart(COUNT + 1, inbox=INBOX), tmp_path)
        page.evaluate("() => soundatlas.app.choose({ kind: 'track', id: 't:000003' })")
        expect(page.locator("#panel .note")).to_contain_text("The map was drawn anew")
        assert page.locator("#panel audio").count() == 0
        page.reload()
        page.wait_for_function(DRAWN)
        expect(heading(page)).to_have_text("Piece 3")
        expect(page.locator("#panel audio")).to_be_visible()
        page.close()


def test_long_lists_come_in_parts(visit, tmp_path):
    """An artist of many tracks shows some, and the next on request, where the keys go on."""
    write_map(make_chart(400), tmp_path)
    page = visit(f"{(tmp_path / 'index.html').as_uri()}#genre=jig")
    section = page.locator("#panel section", has_text="tracks").last
    expect(section.locator("li")).to_have_count(30)
    section.get_by_role("button", name="more of").click()
    expect(section.locator("li")).to_have_count(
        page.evaluate("() => soundatlas.app.chart.places[soundatlas.app.chart.placeOf('genre', 'jig')].members.length")
    )
    expect(section.locator("li").nth(30).get_by_role("button")).to_be_focused()
    expect(section.get_by_role("button", name="more of")).to_have_count(0)
