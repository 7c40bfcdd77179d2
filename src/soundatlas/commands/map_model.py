"""Whose map it is: after a change of the champion, until the next `dvc repro`, it is the former one's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from soundatlas.commands.terminal import printable
from soundatlas.files import read_json
from soundatlas.registry.pin import PIN, name_model

if TYPE_CHECKING:
    from pathlib import Path

METRICS = "data/atlas/metrics.json"


def warn_of_another_champion(root: Path) -> None:
    """Print one line on stderr when the map was drawn by the ears of another model than today's champion."""
    if not (root / METRICS).is_file() or not (root / PIN).is_file():
        return
    drawn, champion = read_json(root / METRICS).get("model"), read_json(root / PIN).get("content_sha256")
    if drawn in {None, champion}:  # None: a map from before maps said whose they are
        return
    now = "there is no champion" if champion is None else f"the champion is {name_model(root, champion)}"
    print(  # noqa: T201 - what the user should know first
        printable(f"soundatlas: this map is of {name_model(root, drawn)}, and {now}: `dvc repro atlas` draws its map"),
        file=sys.stderr,
    )
