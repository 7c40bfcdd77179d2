"""`soundatlas ingest … --refresh`: what a service has told is asked for anew."""

from __future__ import annotations

from soundatlas.files import project_root, registry_root
from soundatlas.sources.listing_files import MEMORY
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.memory import open_memory


def want_anew(source: str) -> None:
    """Have a service's answers forgotten by the next run that may ask it.

    A run that is refused before it asks, for want of a login or before a quota ends, forgets nothing; neither until
    when the service wants no more requests nor fetched audio is forgotten at all.
    """
    folder = registry_root(project_root()).resolve() / MEMORY / source
    with open_memory(folder, Clock()) as memory:
        memory.want_anew()
