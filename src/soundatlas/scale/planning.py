"""Which shards are to be written, and from what: the plan of an update, made before any worker starts."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.errors import StoreError
from soundatlas.scale.shard_headers import read_header
from soundatlas.scale.shard_work import ShardPlan
from soundatlas.store.shards import bucket_bits, is_shard, shard_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soundatlas.scale.places import Place
    from soundatlas.scale.shard_headers import ShardHeader

READERS = 16  # threads that read headers: of an object store, each is two short waits


@dataclass(frozen=True)
class Plan:
    """The plan of an update.

    Attributes:
        layout: the names of all shards that the store will have, in order.
        shards: those with something to do, the most to compute first, so that the workers end together.
        missing: how many tracks are to be computed.
        kept: how many are there.
        removed: how many are there that are not wanted.
    """

    layout: list[str]
    shards: list[ShardPlan]
    missing: int
    kept: int
    removed: int


def plan_update(store: Place, wanted: Mapping[str, str], contract_sha256: str) -> Plan:
    """Plan how a store comes to hold exactly the `wanted` tracks: audio SHA-256 -> path."""
    bits = bucket_bits(len(wanted))
    layout: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for sha in sorted(wanted):
        layout[shard_name(sha, bits)][sha] = wanted[sha]
    present = {
        name: header
        for name, header in read_headers(store, shards_of(store)).items()
        if header is not None and header.contract_sha256 == contract_sha256
    }
    where = {sha: name for name, header in present.items() for sha in header.rows}
    shards = []
    for name, paths in layout.items():
        held = {sha: where[sha] for sha in paths if sha in where}
        stays = name in present and set(present[name].rows) == set(held)
        if not stays or len(held) < len(paths):
            shards.append(ShardPlan(name, paths, held, stays))
    shards.sort(key=lambda shard: (-len(shard.missing), shard.name))
    kept = sum(sha in where for sha in wanted)
    return Plan(list(layout), shards, len(wanted) - kept, kept, len(where) - kept)


def shards_of(store: Place) -> list[str]:
    """Return the names of the shards of a store, in order."""
    return sorted(name for name in store.signatures() if is_shard(name))


def read_headers(store: Place, names: Iterable[str]) -> dict[str, ShardHeader | None]:
    """Return name -> header of each shard, in the names' order; None for a damaged one."""
    names = list(names)
    with ThreadPoolExecutor(READERS) as threads:
        return dict(zip(names, threads.map(lambda name: _header(store, name), names), strict=True))


def _header(store: Place, name: str) -> ShardHeader | None:
    try:
        return read_header(store, name)
    except StoreError:
        return None
