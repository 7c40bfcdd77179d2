"""`soundatlas ingest … --refresh`: forget what a service has told, so that it is asked anew."""

from __future__ import annotations

from soundatlas.files import project_root, registry_root
from soundatlas.sources.listing_files import MEMORY
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.memory import open_memory


def forget_answers(source: str) -> None:
    """Forget a service's answers; until when it wants no more requests is not forgotten, nor is fetched audio."""
    folder = registry_root(project_root()).resolve() / MEMORY / source
    with open_memory(folder, Clock()) as memory:
        memory.forget_answers()
