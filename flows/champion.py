"""The event that a champion changed: Prefect starts `reclassify` on it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from prefect.events import emit_event
from prefect.logging import get_run_logger

from soundatlas.files import read_json
from soundatlas.registry.pin import PIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANGED = "soundatlas.champion.changed"
NOTICED_BY = "soundatlas.noticed-by"


@contextlib.contextmanager
def announcing_champion(root: Path, flow_name: str) -> Iterator[None]:
    """Emit an event when the pin names another model after the block, also when a later stage of it failed.

    Args:
        root: the project.
        flow_name: who noticed or moved it; `reclassify` has already acted on what it notices.
    """
    before = _pinned(root)
    try:
        yield
    finally:
        after = _pinned(root)
        if after is not None and after != before:
            get_run_logger().info("the champion changed: %s -> %s", (before or "none")[:12], after[:12])
            emit_event(
                CHANGED,
                resource={
                    "prefect.resource.id": f"soundatlas.champion.{root.name}",
                    "prefect.resource.name": f"champion of {root.name}",
                    NOTICED_BY: flow_name,
                },
                payload={"before": before, "after": after},
            )


def _pinned(root: Path) -> str | None:
    """Return the content hash of the champion, or None while there is none."""
    if not (root / PIN).is_file():
        return None
    content = read_json(root / PIN).get("content_sha256")
    return None if content is None else str(content)
