"""Since when a model is champion, by the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.registry.database import has_registry
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path


def crowned_at(root: Path, model_name: str, content_sha256: str) -> str | None:
    """Return when the model with this content last became champion, UTC, ISO 8601; None where no ledger says so."""
    if not has_registry(root):
        return None
    entries = Ledger(Tracking(root).client, model_name, root).read().entries
    crowned = [each for each in entries if each.moved and each.after and each.after.content_sha256 == content_sha256]
    return crowned[-1].time if crowned else None
