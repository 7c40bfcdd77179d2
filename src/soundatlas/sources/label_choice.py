"""Which source is believed on each label of a track that several sources know."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESTRICTED = "restricted"
FOLLOWS = {"decade": "year"}  # a label that is believed of whoever is believed on the other
SAME_NUMBER = 1e-6  # relative


@dataclass(frozen=True)
class Value:
    """A label's value, and where it comes from.

    Attributes:
        source: position of its source in `catalog.sources`.
        listed_track_id: of the row that has it.
        value: as text.
        provenance: as in `tables.LABELS`.
        licence: of the value.
        ml_use: of the value.
    """

    source: int
    listed_track_id: str
    value: str
    provenance: str
    licence: str
    ml_use: str

    def as_row(self) -> dict[str, str]:
        """Return what `tables.LABELS` has of it."""
        return {
            "value": self.value,
            "provenance": self.provenance,
            "licence": self.licence,
            "ml_use": self.ml_use,
        }


def choose_labels(members: Sequence[Mapping[str, Value]]) -> tuple[dict[str, Value], list[dict[str, str]]]:
    """Choose the value of every label.

    A value that must not be learnt from gives way to one that may be; then the source that is listed first is believed.

    Args:
        members: label -> value of each listed track, in the order of their sources.

    Returns:
        label -> the value that is believed, and a row of `tables.CONFLICTS` without its track_id for every other one
        that differs in more than spelling.
    """
    chosen: dict[str, Value] = {}
    overruled: list[dict[str, str]] = []
    for label in sorted({label for values in members for label in values}, key=lambda one: (one in FOLLOWS, one)):
        values = [member[label] for member in members if label in member]
        leader = chosen.get(FOLLOWS.get(label, ""))
        best = min(values, key=lambda value: _rank(value, leader))  # of equals, the first
        chosen[label] = best
        overruled += [_conflict(label, best, value) for value in values if not _agree(best.value, value.value)]
    return chosen, overruled


def _rank(value: Value, leader: Value | None) -> tuple[bool, bool]:
    """Return what is to be small; `leader` is the value of the label that this one follows from."""
    apart = leader is not None and (value.source, value.listed_track_id) != (leader.source, leader.listed_track_id)
    return apart, value.ml_use == RESTRICTED


def _conflict(label: str, best: Value, other: Value) -> dict[str, str]:
    return {
        "label": label,
        "value": best.value,
        "provenance": best.provenance,
        "from_track_id": best.listed_track_id,
        "other_value": other.value,
        "other_provenance": other.provenance,
        "other_track_id": other.listed_track_id,
        "because": "may be learnt from" if RESTRICTED in {other.ml_use} - {best.ml_use} else "listed first",
    }


def _agree(one: str, other: str) -> bool:
    """Whether two values are the same text but for case and accents' spelling, or the same number."""
    if _fold(one) == _fold(other):  # also of a name such as "NaN", which is a number that equals nothing
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=SAME_NUMBER)
    except ValueError:
        return False


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
