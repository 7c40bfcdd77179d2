"""The folder of the map: whole, small, and without anything that a strict browser would refuse."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from synthetic_chart import make_chart

from soundatlas.atlas.page import SITE, write_page

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1e6


class Linked(HTMLParser):
    """What a page loads, and what it says within its own text."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag, attrs):
        """Keep the addresses and the inline attributes of an element."""
        given = dict(attrs)
        self.inside = tag
        self.addresses += [given[key] for key in ("src", "href") if given.get(key)]
        self.inline += [key for key in given if key.startswith("on") or key == "style"]

    def handle_endtag(self, _tag):
        """Leave an element."""
        self.inside = ""

    def handle_data(self, data):
        """Keep what a script or a style says within the page."""
        if self.inside in {"script", "style"} and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Give the page of a small map with names that mean harm."""
    made = tmp_path_factory.mktemp("atlas")
    write_page(make_chart(120, inbox=5, hostile=True), made, {}, {})
    return made


def size(folder: Path) -> int:
    """Return the bytes of everything in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_everything_that_the_page_loads_is_there(folder):
    """The page names only files of its own folder, and these exist."""
    page = Linked()
    page.feed((folder / "index.html").read_text(encoding="utf-8"))
    files = [address for address in page.addresses if not address.startswith(("data:", "#"))]
    assert len(files) > 20
    assert [name for name in files if not (folder / name).is_file()] == []


def test_the_page_holds_no_inline_script_or_style(folder):
    """A policy without 'unsafe-inline' is kept, and stands in the page for those who open it from the file system."""
    page = Linked()
    text = (folder / "index.html").read_text(encoding="utf-8")
    page.feed(text)
    assert page.inline == []
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_script_is_made_of_text(folder):
    """Nothing that we or the library ship parses HTML or code at run time, or asks the network."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(|XMLHttp|import\("
    )
    ours = [path for path in folder.rglob("*.js") if path.parent.name == "js"]
    assert len(ours) > 20
    assert [str(path) for path in ours if forbidden.search(path.read_text(encoding="utf-8"))] == []
    library = (folder / "vendor/drawing.js").read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function|fetch\(|XMLHttp|import\(", library)


def test_the_library_comes_with_its_licences(folder):
    """Every package that is bundled is named with its licence; what builds the bundle stays at home."""
    licences = (folder / "vendor/LICENCES.txt").read_text(encoding="utf-8")
    assert {"twgl.js", "d3-zoom", "d3-quadtree"} <= set(re.findall(r"^== (\S+) ", licences, re.MULTILINE))
    assert sorted(path.name for path in (folder / "vendor").iterdir()) == ["LICENCES.txt", "drawing.js"]


def test_the_librarys_lock_names_no_registry():
    """The bundle is rebuilt from pinned packages through whatever registry the reader has."""
    lock = (SITE / "vendor/package-lock.json").read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in lock
    assert "://" not in lock


def test_writing_twice_gives_the_same_bytes(folder, tmp_path):
    """The page is a function of the chart."""
    write_page(make_chart(120, inbox=5, hostile=True), tmp_path, {}, {})
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_details_name_the_map_that_they_belong_to(folder, tmp_path):
    """Map and details have one identity, which another map does not have."""
    write_page(make_chart(20), tmp_path, {}, {})
    known = re.search(r'"identity":"([0-9a-f]{16})"', (folder / "data/map.js").read_text(encoding="utf-8"))[1]
    for number in (0, 1):
        assert f'"map":"{known}"' in (folder / f"data/details/{number}.js").read_text(encoding="utf-8")
    assert known not in (tmp_path / "data/map.js").read_text(encoding="utf-8")
    assert known not in (tmp_path / "data/details/0.js").read_text(encoding="utf-8")


def test_what_else_lies_in_the_folder_stays(tmp_path):
    """Clips and pictures are put there by others, before or after."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/0.ogg").write_bytes(b"sound")
    write_page(make_chart(20), tmp_path, {}, {})
    assert (tmp_path / "clips/0.ogg").read_bytes() == b"sound"


def test_four_hundred_tracks_are_a_small_page(tmp_path):
    """With 400 tracks and an inbox the page leaves room for their pictures within 2 MB."""
    write_page(make_chart(400, inbox=40), tmp_path, {}, {})
    assert size(tmp_path) < 0.6 * MEGABYTE


@pytest.mark.slow
def test_ten_thousand_tracks_are_less_than_ten_megabytes(tmp_path):
    """The first picture of 10,000 tracks needs less than 2 MB of it, the rest comes click by click."""
    write_page(make_chart(10_000, inbox=200), tmp_path, {}, {})
    assert size(tmp_path) < 10 * MEGABYTE
    assert (tmp_path / "data/map.js").stat().st_size < 2 * MEGABYTE
