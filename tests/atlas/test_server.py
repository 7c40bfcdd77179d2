"""The map's server: its own files to this machine, in parts where a player asks for them, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from soundatlas.atlas.server import TYPES, make_atlas_app

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "index.html": "text/html; charset=utf-8",
    "css/theme.css": "text/css; charset=utf-8",
    "js/start.js": "text/javascript; charset=utf-8",
    "vendor/LICENCES.txt": "text/plain; charset=utf-8",
    "clips/a.ogg": "audio/ogg",
    "clips/b.opus": "audio/ogg",
    "pictures/a.png": "image/png",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a map, with something beside it."""
    made = tmp_path / "atlas"
    for name in FILES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f"bytes of {name}", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return made


def browser(folder: Path, host: str = "127.0.0.1:8090") -> TestClient:
    """Return a client that sees a map."""
    return TestClient(make_atlas_app(folder), base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize("name", FILES)
def test_files_come_with_their_own_type(folder, name):
    """The type follows from the name alone, whatever this machine's table of types says."""
    answer = browser(folder).get(f"/{name}")
    assert (answer.status_code, answer.text) == (200, f"bytes of {name}")
    assert answer.headers["content-type"] == FILES[name]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_root_is_the_map(folder):
    """The bare address shows the page, with a policy that lets no inline script run."""
    answer = browser(folder).get("/")
    assert answer.text == "bytes of index.html"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("asked", "given", "text"),
    [
        ("bytes=0-4", "bytes 0-4/20", "bytes"),
        ("bytes=-5", "bytes 15-19/20", "a.ogg"),
        ("bytes=9-", "bytes 9-19/20", "clips/a.ogg"),
    ],
)
def test_a_player_gets_the_part_that_it_asks_for(folder, asked, given, text):
    """Seeking in a clip loads a part of it."""
    answer = browser(folder).get("/clips/a.ogg", headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"], answer.text) == (206, given, text)
    assert answer.headers["content-type"] == "audio/ogg"


def test_a_part_beyond_the_end_is_refused(folder):
    """A range that is not there gets 416 and no bytes of anything."""
    assert browser(folder).get("/clips/a.ogg", headers={"Range": "bytes=500-"}).status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/clips/..%2f..%2fsecret.txt",
        "/clips/%2e%2e/%2e%2e/secret.txt",
        "//etc/hostname",
        "/..%5csecret.txt",
        "/link.txt",
        "/outside/secret.txt",
        "/nul%00",
        "/.hidden.txt",
        "/.git/config.txt",
        "/notes.parquet",
        "/README",
        "/clips/",
        "/clips",
        "/pictures",
    ],
)
def test_nothing_else_is_served(folder, path):
    """No dots, links, hidden or foreign files lead anywhere, and no folder is listed."""
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "outside").symlink_to(folder.parent)
    for name in (".hidden.txt", ".git/config.txt", "notes.parquet", "README"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("secret", encoding="utf-8")
    answer = browser(folder).get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_link_cannot_give_a_foreign_file_a_maps_name(folder):
    """A link inside of the folder to a file of another kind is refused as well."""
    (folder / "notes.parquet").write_text("secret", encoding="utf-8")
    (folder / "notes.txt").symlink_to(folder / "notes.parquet")
    assert browser(folder).get("/notes.txt").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_only_reads(folder, method):
    """Anything but reading is refused."""
    assert browser(folder).request(method, "/index.html").status_code == 405


@pytest.mark.parametrize(
    ("host", "code"), [("localhost:8090", 200), ("music.example:8090", 400), ("127.0.0.1.example", 400)]
)
def test_it_answers_to_this_machines_names_only(folder, host, code):
    """A page from elsewhere whose name leads here is refused."""
    assert browser(folder, host).get("/").status_code == code


def test_the_next_map_is_seen_at_once(folder):
    """The browser asks each time, gets 304 for what it has, and the new file once there is one."""
    client = browser(folder)
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (folder / "index.html").write_text("the next map", encoding="utf-8")
    assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).text == "the next map"


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    """A map may be drawn after the server has started."""
    client = browser(tmp_path / "atlas")
    assert client.get("/").status_code == 404
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas/index.html").write_text("drawn", encoding="utf-8")
    assert client.get("/").text == "drawn"


def test_every_type_is_one_that_a_map_uses():
    """Nothing that a browser would run as something else is among the types."""
    assert {kind.split("/")[0] for kind in TYPES.values()} == {"text", "image", "audio"}
    assert "image/svg+xml" not in TYPES.values()
