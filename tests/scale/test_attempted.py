"""What workers attempted waits in files, whole and by shard, until somebody takes it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from soundatlas.attempts import Attempt
from soundatlas.errors import StoreError, TrackError
from soundatlas.scale.attempted import take_attempted, write_attempted
from soundatlas.scale.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FIRST = {"a" * 64: (Attempt(1.5, 0.25, TrackError("timeout", "took longer: ä")), Attempt(2.0, 0.125, None))}
SECOND = {"b" * 64: (Attempt(3.0, 0.5, None),), "c" * 64: ()}


def _told(all_attempted: Iterable[Mapping[str, Sequence[Attempt]]]) -> list[dict[str, list[tuple[float, float, str]]]]:
    """Return attempts as values that can be compared."""
    return [
        {sha: [(each.began, each.seconds, str(each.failure)) for each in attempts] for sha, attempts in one.items()}
        for one in all_attempted
    ]


@pytest.mark.parametrize("url", ["{}", "memory://attempted"])
def test_what_is_written_comes_back_once(url, tmp_path):
    """Attempts come back in order; work that was done twice is told once; what was taken is gone."""
    place = Place(url.format(tmp_path))
    write_attempted(place, "1-bits-1.safetensors", "contract", FIRST)
    write_attempted(place, "1-bits-1.safetensors", "contract", SECOND)
    write_attempted(place, "1-bits-0.safetensors", "of before", FIRST)
    write_attempted(place, "2-bits-0.safetensors", "contract", {})
    contracts, attempted = zip(*take_attempted(place), strict=True)
    assert contracts == ("of before", "contract")
    assert _told(attempted) == _told([FIRST, SECOND])
    assert list(take_attempted(place)) == []


def test_who_is_interrupted_while_taking_loses_nothing(tmp_path):
    """A file goes only once the one after it is asked for: what was not noted is still there."""
    place = Place(str(tmp_path))
    for name in ("x", "y"):
        write_attempted(place, name, "contract", SECOND)
    taking = take_attempted(place)
    next(taking)
    taking.close()
    assert len(list(take_attempted(place))) == 2


def test_full_disk_is_one_line(tmp_path, monkeypatch):
    """What keeps the attempts from being written is said; the shard is not written either, and is made again."""

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    with pytest.raises(StoreError, match=r"attempts for shard x cannot be written \(No space left"):
        write_attempted(Place(str(tmp_path)), "x", "contract", SECOND)
