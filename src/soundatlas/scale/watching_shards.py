"""How far a job is: the one who started it looks at which shards have come."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soundatlas.progress import Advance
    from soundatlas.scale.places import Place
    from soundatlas.scale.shard_work import ShardPlan

LOOK_SECONDS = 2.0


@contextmanager
def reporting_progress(store: Place, plans: Sequence[ShardPlan], advance: Advance) -> Iterator[None]:
    """Call `advance` with the number of tracks of each shard that is written during the block.

    Args:
        store: where the shards are written.
        plans: of the shards.
        advance: also called, at the end, for shards that only failed tracks belong to.
    """
    before, ended = store.signatures(), threading.Event()
    waiting = {plan.name: len(plan.missing) for plan in plans}

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            now = store.signatures()
            for name in [name for name in waiting if name in now and now[name] != before.get(name)]:
                advance(waiting.pop(name))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
        ended.set()
        watcher.join()
        advance(sum(waiting.values()))
    finally:
        ended.set()
