"""Which sources there are: name -> module, each imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from soundatlas.sources.base import Source

MODULES = {
    "demo": "soundatlas.sources.demo",  # it has no `ingest`: stage `catalog` renders it
    "folder": "soundatlas.sources.folder",
    "fma": "soundatlas.sources.fma",
    "spotify": "soundatlas.sources.spotify",
    "deezer": "soundatlas.sources.deezer",
    "musicbrainz": "soundatlas.sources.musicbrainz",
}


def find_source(name: str) -> Source:
    """Return a source's module; it has `OFFER`, `readiness` and `ingest`, see `soundatlas.sources.base`."""
    return cast("Source", import_module(MODULES[name]))
