"""What workers attempted, in files until the audit trail, a local database, has it: as answers are in `scale.answers`.

A shard's attempts are written before the shard, so that whatever is stored is told of, also where the one who started
the job was killed: the next run of the stage takes them over, whatever its engine and its settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from soundatlas.attempts import Attempt
from soundatlas.errors import StoreError, TrackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from soundatlas.scale.places import Place

    Attempted = Mapping[str, Sequence[Attempt]]  # audio SHA-256 -> attempts, the first one first
    Note = Callable[[Attempted], object]
    NoteUnder = Callable[[str, Attempted], object]  # the contract of the front end, and what was attempted under it

PREFIX, SUFFIX = ".attempted-", ".json"


def ignore(*_: object) -> None:
    """Keep no trail."""


def write_attempted(place: Place, name: str, contract_sha256: str, attempted: Attempted) -> None:
    """Write what was attempted for a shard, whole or not at all, in the place of an earlier file for it.

    Raises:
        StoreError: when it cannot be written, as on a full disk.
    """
    if not attempted:
        return
    packed = {sha: pack_attempts(attempts) for sha, attempts in attempted.items()}
    about = {"contract_sha256": contract_sha256, "attempted": packed}
    try:
        with place.replacing(f"{PREFIX}{name}{SUFFIX}") as beside:
            beside.write_text(json.dumps(about), encoding="utf-8")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StoreError(f"attempts for shard {name} cannot be written ({why}): mend that and run it again") from None


def take_attempted(place: Place) -> Iterator[tuple[str, dict[str, tuple[Attempt, ...]]]]:
    """Yield contract and attempts for each shard, and remove its file once the caller asks for the next one."""
    for name in sorted(place.signatures()):
        if name.startswith(PREFIX) and name.endswith(SUFFIX):
            about = json.loads(place.read(name))
            yield about["contract_sha256"], {sha: unpack_attempts(packed) for sha, packed in about["attempted"].items()}
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
