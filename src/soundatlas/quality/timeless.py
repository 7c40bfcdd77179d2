"""Data Docs without the time and the random numbers of their making: the same report gives the same bytes.

So `dvc.lock` says the same whoever ran the stage, and DVC keeps the pages like any other output.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RUN_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # in the paths of the pages, where Great Expectations wants a time
RUN_STAMP = "19700101T000000.000000Z"
UNRECORDED = "not recorded"
STAMP = re.compile(rf"(?!{re.escape(RUN_STAMP)})\b\d{{8}}T\d{{6}}\.\d{{6}}Z")
LOGO_STAMP = re.compile(rf"\?d={STAMP.pattern}")
RUN_TIME_SHOWN = re.compile(r"1970-01-01(?:T| )00:00:00 ?(?:Z|UTC)")
RANDOM_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def make_timeless(folder: Path) -> None:
    """Take out of every page below a folder what would differ if it were made again from the same report."""
    for page in sorted(folder.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        page.write_text(_timeless(text), encoding="utf-8", newline="\n")


def _timeless(text: str) -> str:
    text = LOGO_STAMP.sub("", text)
    text = STAMP.sub(UNRECORDED, text)
    text = RUN_TIME_SHOWN.sub(UNRECORDED, text)
    numbers: dict[str, int] = {}
    return RANDOM_ID.sub(lambda found: f"id-{numbers.setdefault(found[0], len(numbers) + 1)}", text)
