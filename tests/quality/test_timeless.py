"""Data Docs are a function of the report."""

from __future__ import annotations

import re

from project_files import PROJECT

from soundatlas.quality.report import check
from soundatlas.quality.timeless import UNRECORDED


def test_data_docs_made_twice_are_the_same_bytes(clean, params, tmp_path):
    """Neither a time nor a random number of the making is in the pages, so that dvc.lock stays as it is."""
    pages = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        check(clean, params, PROJECT, tmp_path / name)
        pages.append(
            {
                str(path.relative_to(tmp_path / name)): path.read_bytes()
                for path in (tmp_path / name).rglob("*")
                if path.is_file()
            }
        )
    assert pages[0] == pages[1]


def test_data_docs_claim_no_time(clean, params, tmp_path):
    """Where Great Expectations shows a time, the pages say that none was recorded, and links still lead somewhere."""
    check(clean, params, PROJECT, tmp_path)
    page = next((tmp_path / "validations").rglob("catalog.html")).read_text(encoding="utf-8")
    assert UNRECORDED in page
    links = re.findall(r'href="#(section[^"]+)"', page)
    assert links
    assert all(f'id="{link}"' in page or f"id={link}" in page for link in links)
