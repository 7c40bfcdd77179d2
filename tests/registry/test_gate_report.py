"""The gate's report: JSON that can be read back, and a page that stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from soundatlas.files import read_json
from soundatlas.registry.gate import Answers, Verdict, judge_against
from soundatlas.registry.gate_report import write_report

HOSTILE = '<img src=x onerror="alert(1)">&$\\frac{$'


@pytest.fixture
def verdict(tiny_params) -> Verdict:
    """Give a verdict over labels with a hostile name."""
    names = ("chorale", HOSTILE, "waltz")
    truth = pd.DataFrame({head: [names[number % 3] for number in range(60)] for head in ("genre", "artist")})
    worse = truth.copy()
    worse.loc[:29, "genre"] = "waltz"
    learned = {"genre": names, "artist": names}
    groups = truth.index.to_numpy() // 2
    return judge_against(
        truth, Answers(truth, learned=learned), Answers(worse, learned=learned), groups, tiny_params.promote
    )


class Elements(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        """Take note of an element."""
        self.seen.append((tag, dict(attrs)))


def test_the_page_stands_alone(verdict, tmp_path) -> None:
    """Table, interval and two confusion matrices per head, all inside the page; names are text, whatever they hold."""
    write_report(tmp_path, verdict, "soundatlas version 3")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    parser = Elements()
    parser.feed(page)
    images = [attributes for tag, attributes in parser.seen if tag == "img"]
    assert len(images) == 1 + 2 * 2
    assert all(str(image["src"]).startswith("data:image/png;base64,iVBOR") for image in images)
    assert {tag for tag, _ in parser.seen} <= {
        *("html", "meta", "title", "style", "h1", "h2", "p", "b", "table", "tr", "th", "td", "div", "img")
    }
    assert not re.search(r"""(src|href)=["']?(http|//)""", page)
    assert "&lt;img src=x onerror" in page
    assert "soundatlas version 3: the gate" in page
    assert "<b>promoted</b>" in page


def test_the_json_holds_all_of_it(verdict, tmp_path) -> None:
    """Decision, figures with the interval, checks, classes and confusions can be read by another program."""
    write_report(tmp_path, verdict, "soundatlas version 3")
    report = read_json(tmp_path / "report.json")
    assert report["promoted"] is True
    assert report["figures"]["gain"] == pytest.approx(verdict.figures["gain"])
    assert [check["name"] for check in report["checks"]] == ["gain", "calibration", "classes", "speed"]
    assert {row["class"] for row in report["classes"]} == {"chorale", HOSTILE, "waltz"}
    assert sum(map(sum, report["confusions"]["genre"]["rival"])) == 60


def test_a_refusal_without_figures_is_a_report_too(tmp_path) -> None:
    """What could not be judged at all is told in the same form."""
    write_report(tmp_path, Verdict(False, "no test track has a label of 'genre'", {"gain_low": float("nan")}), "m")
    assert read_json(tmp_path / "report.json")["figures"] == {"gain_low": None}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>refused</b>: no test track has a label of &#x27;genre&#x27;" in page
