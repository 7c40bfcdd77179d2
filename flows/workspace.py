"""One run at a time in a project: the second waits.

Two guards. A lock on `.prefect/workspace.lock` is the truth: the system frees it when its holder dies, however it dies,
and it also holds between servers, since a run from a terminal may have one of its own. Inside it, Prefect's concurrency
limit shows in the UI who is at work; its lease is the shortest that Prefect allows, and what a killed run left in it
is cleared by the next holder of the lock.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.concurrency.sync import concurrency
from prefect.logging import get_run_logger

from soundatlas.workspace import holding_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEASE_SECONDS = 60.0  # Prefect's least


def limit_name(root: Path) -> str:
    """Return the name of the project's concurrency limit; a server may serve several projects."""
    return f"workspace-{root.name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"


def create_limit(root: Path) -> None:
    """Make the project's concurrency limit on the server, with one slot, free."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit_name(root), 1)
        client.update_global_concurrency_limit(limit_name(root), GlobalConcurrencyLimitUpdate(active_slots=0))


@contextlib.contextmanager
def holding_workspace(root: Path) -> Iterator[None]:
    """Wait until no other run is at work in the project, and keep the others waiting during the block."""
    logger = get_run_logger()
    with holding_lock(root, lambda: logger.info("another run is at work in this project: waiting for it")):
        create_limit(root)
        with concurrency(limit_name(root), strict=True, lease_duration=LEASE_SECONDS):
            yield
