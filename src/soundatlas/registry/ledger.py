"""The ledger: who was champion when, and why, as a chain of entries in which each carries the hash of the one before.

This module knows neither MLflow nor files: entries in, entries out, so that an exported ledger is checked alone.
Where the entries are kept: `registry.ledger_store`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from soundatlas.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = 1
BEGINNING = "0" * 64  # what stands for the hash before the first entry
MOST_CHARACTERS = 1500  # of a reason: an entry must fit the 5000 characters of MLflow's columns, escapes included
JSON_NAMES = {"before": "from", "after": "to"}  # `from` is a word of Python's


class Event(StrEnum):
    """What an entry is about."""

    FOUND = "found"  # the champion that was there when the ledger began
    PROMOTED = "promoted"
    REFUSED = "refused"
    OVERRIDDEN = "promoted against the gate"
    ROLLED_BACK = "rolled back"
    BY_HAND = "moved by hand"


OURS = {Event.PROMOTED, Event.OVERRIDDEN, Event.ROLLED_BACK}  # moves that we make, after entering them


@dataclass(frozen=True)
class Version:
    """A version in the registry; `content_sha256` is None where soundatlas did not register it."""

    version: str
    content_sha256: str | None


@dataclass(frozen=True)
class Entry:
    """One event, sealed.

    Attributes:
        sequence: its place; places may be left out where two writers met, never used twice.
        time: UTC, ISO 8601, to the second.
        who: of git's settings, or the system's user.
        model: name in the registry.
        event: of `Event`.
        before: champion before; None when there was none.
        after: champion after.
        subject: what was judged or moved.
        why: a sentence.
        gate_report: where the gate's report lies, e.g. `runs:/<run>/gate/soundatlas-v3/report.json`.
        gate_report_sha256: of that file.
        git_commit: of the project.
        dvc_lock_sha256: of `dvc.lock`.
        previous: hash of the entry before.
        sha256: hash of all this.
    """

    sequence: int
    time: str
    who: str
    model: str
    event: Event
    before: Version | None
    after: Version | None
    subject: Version | None
    why: str
    gate_report: str | None
    gate_report_sha256: str | None
    git_commit: str | None
    dvc_lock_sha256: str | None
    previous: str
    sha256: str

    @property
    def moved(self) -> bool:
        """Whether the champion changed."""
        return self.before != self.after

    def sentence(self) -> str:
        """Say it in a line."""
        subject = f"version {self.subject.version}" if self.subject else "the champion"
        return f"{subject} {self.event}: {self.why}"

    def text(self) -> str:
        """Return the entry as it is kept."""
        return canonical(self.values())

    def values(self) -> dict[str, Any]:
        """Return the entry as JSON-like values."""
        values: dict[str, Any] = {"format": FORMAT}
        for field in fields(self):
            value = getattr(self, field.name)
            named = vars(value) if isinstance(value, Version) else value
            values[JSON_NAMES.get(field.name, field.name)] = named
        return values


@dataclass(frozen=True)
class Chain:
    """What was read of a ledger.

    Attributes:
        entries: those that can be read, in order.
        problems: a line for each thing that is not as it was written; none when the ledger is whole.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def canonical(values: dict[str, Any]) -> str:
    """Return JSON that is the same for the same values: sorted keys, no spaces, ASCII."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def seal(**values: Any) -> Entry:
    """Return an entry of these values, with its hash; a long reason is cut."""
    values["why"] = shorten(str(values["why"]))
    draft = Entry(**values, sha256="")
    return Entry(**values, sha256=_hash(draft.values()))


def shorten(text: str) -> str:
    """Return a text in one line that fits an entry."""
    line = " ".join(text.split())
    while len(json.dumps(line)) > MOST_CHARACTERS:
        line = line[: min(len(line) - 1, MOST_CHARACTERS) * 9 // 10].rstrip() + "…"
    return line


def read_entry(text: str) -> Entry:
    """Read an entry as it was kept.

    Raises:
        LedgerError: when it is not byte for byte what was written.
    """
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise LedgerError(f"it has format {values['format']!r}, and this version knows {FORMAT}")
        names = {python: JSON_NAMES.get(python, python) for python in (field.name for field in fields(Entry))}
        read = {python: values[name] for python, name in names.items()}
        for python in ("before", "after", "subject"):
            read[python] = None if read[python] is None else Version(**read[python])
        entry = Entry(**{**read, "event": Event(read["event"])})
        datetime.fromisoformat(entry.time)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LedgerError("it cannot be read") from None
    if entry.text() != text or _hash(entry.values()) != entry.sha256:
        raise LedgerError("it was changed: its hash does not fit")
    return entry


def missing_end(entries: Iterable[Entry], head: str | None) -> list[str]:
    """Return what is wrong with a ledger's end, given the mark of where it must end: "<place> <hash>"."""
    if head is None or head in {f"{entry.sequence} {entry.sha256}" for entry in entries}:
        return []
    return [f"entry {head.partition(' ')[0]}: it is missing, or another stands in its place"]


def link(kept: Iterable[tuple[int, str]]) -> Chain:
    """Check what is kept, link by link.

    Args:
        kept: place and text of each entry, in the order of their places. An entry that stands elsewhere than it says
            lost a race for its place and was written again: it does not count.
    """
    entries: list[Entry] = []
    problems = []
    broken = False
    for place, text in kept:
        try:
            entry = read_entry(text)
        except LedgerError as error:
            problems.append(f"entry {place}: {error}")
            broken = True
            continue
        if entry.sequence != place:
            continue
        if entry.previous != (entries[-1].sha256 if entries else BEGINNING) and not broken:
            before = f"entry {entries[-1].sequence}" if entries else "the beginning"
            problems.append(f"entry {place}: what stood between {before} and it is missing")
        broken = False
        entries.append(entry)
    return Chain(tuple(entries), tuple(problems))


def champion_at(entries: Sequence[Entry], moment: datetime) -> Entry | None:
    """Return the entry after which things stood as they did at a moment; None when the ledger began later."""
    earlier = [entry for entry in entries if datetime.fromisoformat(entry.time) <= moment]
    return earlier[-1] if earlier else None


def champions(entries: Sequence[Entry]) -> list[Version]:
    """Return the champions as a rollback sees them: the last is the present one, the one before it came before it.

    What was rolled back from is no longer there, so that two rollbacks go back twice and do not swing to and fro.
    """
    line: list[Version] = []
    for entry in entries:
        if entry.after is None or not entry.moved:
            continue
        if entry.after in line:
            place = line.index(entry.after)
            del line[place : None if entry.event is Event.ROLLED_BACK else place + 1]
        line.append(entry.after)
    return line


def ever_champion(entries: Sequence[Entry]) -> dict[str, Version]:
    """Return version number -> version, of all that ever were champion."""
    return {entry.after.version: entry.after for entry in entries if entry.after is not None}


def now() -> str:
    """Return the time, in UTC, as an entry has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _hash(values: dict[str, Any]) -> str:
    rest = {name: value for name, value in values.items() if name != "sha256"}
    return hashlib.sha256(canonical(rest).encode("ascii")).hexdigest()
