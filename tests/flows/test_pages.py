"""The page server: what the pipeline made, read-only, for this machine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from flows.pages import make_app

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "data/atlas/index.html": "text/html; charset=utf-8",
    "data/atlas/clips/a.ogg": "audio/ogg",
    "data/data_docs/index.html": "text/html; charset=utf-8",
    "data/data_docs/static/styles.css": "text/css; charset=utf-8",
    "data/evaluation/metrics.json": "application/json",
    "data/evaluation/figures/learning.png": "image/png",
    "data/evaluation/figures/learning.svg": "image/svg+xml",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a project that has run."""
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def browser(root: Path, host: str = "127.0.0.1:8088") -> TestClient:
    """Return a client that sees the pages of a project."""
    return TestClient(make_app(root), base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize("name", FILES)
def test_files_come_with_their_content_type(root: Path, name: str) -> None:
    """Data Docs lie below /data-docs/, the evaluation below /evaluation/."""
    answer = browser(root).get(f"/{name.removeprefix('data/').replace('_', '-')}")
    assert answer.status_code == 200
    assert answer.text == name
    assert answer.headers["content-type"] == FILES[name]


def test_the_map_keeps_its_policy_and_answers_in_parts(root: Path) -> None:
    """Below /atlas/ lies the same application as that of `soundatlas atlas`."""
    answer = browser(root).get("/atlas/clips/a.ogg", headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.text) == (206, "atlas")
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert browser(root).get("/atlas").headers["location"].endswith("/atlas/")
    assert 'href="/atlas/"' in browser(root).get("/").text


def test_data_docs_open_by_their_folder(root: Path) -> None:
    """The folder's own address shows its index, and is found without the last slash."""
    assert browser(root).get("/data-docs/").text == "data/data_docs/index.html"
    answer = browser(root).get("/data-docs")
    assert answer.status_code == 307
    assert answer.headers["location"].endswith("/data-docs/")


def test_a_file_that_changed_is_shown_as_it_is_now(root: Path) -> None:
    """The browser is told to ask each time, and gets the new page after a run."""
    client = browser(root)
    first = client.get("/data-docs/")
    assert first.headers["cache-control"] == "no-cache"
    same = client.get("/data-docs/", headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    (root / "data/data_docs/index.html").write_text("after the next run", encoding="utf-8")
    answer = client.get("/data-docs/", headers={"If-None-Match": first.headers["etag"]})
    assert answer.text == "after the next run"


@pytest.mark.parametrize("path", ["/data-docs/static/", "/data-docs/static", "/evaluation/", "/evaluation/figures/"])
def test_folders_are_not_listed(root: Path, path: str) -> None:
    """A folder without an index is not found, rather than listed."""
    assert browser(root).get(path).status_code in {307, 404}
    assert browser(root).get(f"{path.rstrip('/')}/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/evaluation/../../params.yaml",
        "/atlas/../../params.yaml",
        "/atlas/..%2f..%2fparams.yaml",
        "/evaluation/%2e%2e/%2e%2e/params.yaml",
        "/evaluation/..%2f..%2fparams.yaml",
        "/evaluation//etc/hostname",
        "/evaluation/link.txt",
        "/evaluation/outside/params.yaml",
        "/evaluation/nul%00",
        "/data/evaluation/metrics.json",
        "/params.yaml",
    ],
)
def test_nothing_else_is_served(root: Path, path: str) -> None:
    """Neither dots, nor encoded dots, nor links lead out of the two folders."""
    (root / "params.yaml").write_text("secret", encoding="utf-8")
    (root / "data/evaluation/link.txt").symlink_to(root / "params.yaml")
    (root / "data/evaluation/outside").symlink_to(root)
    answer = browser(root).get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/data-docs/index.html"])
def test_it_only_reads(root: Path, method: str, path: str) -> None:
    """Anything but reading is refused."""
    assert browser(root).request(method, path).status_code == 405


@pytest.mark.parametrize(("host", "code"), [("localhost:8088", 200), ("music.example:8088", 400)])
def test_it_answers_to_this_machines_names_only(root: Path, host: str, code: int) -> None:
    """A page from elsewhere whose name leads here is refused."""
    assert browser(root, host).get("/data-docs/").status_code == code


def test_the_first_page_links_what_is_there(root: Path) -> None:
    """The index leads to Data Docs and to each file of the evaluation, and shows odd names as they are."""
    (root / "data/evaluation/a <b> & c.csv").write_text("x", encoding="utf-8")
    (root / "data/evaluation/predictions.parquet").write_text("not for the browser", encoding="utf-8")
    client = browser(root)
    page = client.get("/").text
    assert 'href="/data-docs/"' in page
    assert 'href="/evaluation/figures/learning.png"' in page
    assert "a &lt;b&gt; &amp; c.csv" in page
    assert client.get("/evaluation/a%20%3Cb%3E%20%26%20c.csv").text == "x"
    assert "parquet" not in page


def test_pages_may_come_later(tmp_path: Path) -> None:
    """Before the first run the index says what to do; what a run makes is there at once."""
    client = browser(tmp_path)
    assert "make demo" in client.get("/").text
    assert client.get("/data-docs/").status_code == 404
    (tmp_path / "data/data_docs").mkdir(parents=True)
    (tmp_path / "data/data_docs/index.html").write_text("made", encoding="utf-8")
    assert client.get("/data-docs/").text == "made"
    assert "data-docs" in client.get("/").text
