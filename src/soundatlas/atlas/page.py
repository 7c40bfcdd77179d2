"""Writing the map's page: one folder that opens from the file system, asks no network and runs no inline script."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.atlas.payload import detail_chunks, map_payload
from soundatlas.atlas.script_text import as_script
from soundatlas.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.atlas.chart import Chart

SITE = Path(__file__).parent / "site"
# What belongs to the page; what is beside it in `site/vendor` only builds the library.
PARTS = ("index.html", "css/*.css", "js/*.js", "vendor/drawing.js", "vendor/LICENCES.txt")
IDENTITY_DIGITS = 16  # of the map's hash, which tells a page that stayed open that its details are of another map


def write_page(chart: Chart, folder: Path, clips: Mapping[str, str], pictures: Mapping[str, str]) -> None:
    """Write `index.html` and all that it loads, except clips and pictures, which are linked.

    Args:
        chart: what the page shows.
        folder: where it goes; what else lies there stays.
        clips: point_id -> its audio, as a path below `folder` with forward slashes. Points without one stay silent.
        pictures: point_id -> its log-mel picture, likewise.

    Raises:
        SoundatlasError: when a clip or a picture lies outside of `folder`.
    """
    for pattern in PARTS:
        for part in sorted(SITE.glob(pattern)):
            copy = folder / part.relative_to(SITE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part, copy)
    payload = map_payload(chart)
    identity = hashlib.sha256(as_script("map", payload).encode("ascii")).hexdigest()[:IDENTITY_DIGITS]
    write_text(folder / "data" / "map.js", as_script("map", {"identity": identity, **payload}))
    for number, chunk in detail_chunks(chart, clips, pictures):
        write_text(
            folder / "data" / "details" / f"{number}.js", as_script(f"details/{number}", {"map": identity, **chunk})
        )
