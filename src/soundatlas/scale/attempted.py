"""What workers attempted, in files until the audit trail, a local database, has it: as answers are in `scale.answers`.

A shard's attempts are written before the shard, so that whatever is stored is told of, also where the one who started
the job was killed. The files count as leftovers: who takes them, does so before leftovers are removed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from soundatlas.attempts import Attempt
from soundatlas.errors import TrackError
from soundatlas.scale.places import LEFTOVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from soundatlas.scale.places import Place

    Attempted = Mapping[str, Sequence[Attempt]]  # audio SHA-256 -> attempts, the first one first
    Note = Callable[[Attempted], object]

PREFIX, SUFFIX = ".attempted-", f"{LEFTOVER}.json"


def ignore(_attempted: Attempted) -> None:
    """Keep no trail."""


def write_attempted(place: Place, name: str, attempted: Attempted) -> None:
    """Write what was attempted for a shard, whole or not at all, in the place of an earlier file for it."""
    if not attempted:
        return
    about = {sha: pack_attempts(attempts) for sha, attempts in attempted.items()}
    with place.replacing(f"{PREFIX}{name}{SUFFIX}") as beside:
        beside.write_text(json.dumps(about), encoding="utf-8")


def take_attempted(place: Place) -> Iterator[dict[str, tuple[Attempt, ...]]]:
    """Yield what was attempted for each shard, and remove its file once the caller asks for the next one."""
    for name in sorted(place.signatures()):
        if name.startswith(PREFIX) and name.endswith(SUFFIX):
            yield {sha: unpack_attempts(packed) for sha, packed in json.loads(place.read(name)).items()}
            place.remove(name)


def pack_attempts(attempts: Sequence[Attempt]) -> list[list[Any]]:
    """Return attempts as JSON-like values."""
    return [
        [each.began, each.seconds, *([] if each.failure is None else [each.failure.reason, each.failure.message])]
        for each in attempts
    ]


def unpack_attempts(packed: Sequence[Sequence[Any]]) -> tuple[Attempt, ...]:
    """Return the attempts that `pack_attempts` packed."""
    return tuple(
        Attempt(began, seconds, TrackError(*failure) if failure else None) for began, seconds, *failure in packed
    )
