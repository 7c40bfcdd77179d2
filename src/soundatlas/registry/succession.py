"""Who succeeds whom: judging a version once, moving the champion's alias, and entering each move in the ledger.

A move is entered before the alias moves. Killed in between, the next `sync` completes it; so no move of ours is ever
without its entry. An alias that stands elsewhere than the ledger says was moved by hand, and is entered as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from soundatlas.errors import UsageError
from soundatlas.registry.database import ALIAS
from soundatlas.registry.gate_report import log_report
from soundatlas.registry.ledger import OURS, Event, Version, champions, ever_champion
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.promotion import ABSENT
from soundatlas.registry.tracking import CONTENT_TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow.entities.model_registry import ModelVersion

    from soundatlas.registry.gate import Verdict
    from soundatlas.registry.ledger import Entry
    from soundatlas.registry.ledger_store import Report
    from soundatlas.registry.pin import Champion
    from soundatlas.registry.promotion import ModelRegistry

GATE_TAG = "gate"
REASON_TAG = "gate_reason"
CHAMPION_TAG, BECAUSE_TAG = "champion_since", "champion_because"
PROMOTED, REFUSED = "promoted", "refused"


class Succession:
    """The line of champions of a registered model."""

    def __init__(self, registry: ModelRegistry) -> None:
        self.registry = registry
        self.client = registry.client
        self.ledger = Ledger(registry.client, registry.name, registry.tracking.root)

    def sync(self) -> list[str]:
        """Make the ledger agree with the alias: complete what was cut off, and enter what was done by hand.

        Returns:
            a line for each thing that was done or is wrong.
        """
        chain = self.ledger.read()
        lines = [f"the history is not as it was written: {problem}" for problem in chain.problems]
        alias = named(self.registry.version_of_alias())
        if not chain.entries:
            if alias is not None:
                why = "the champion when the history began"
                self.ledger.append(Event.FOUND, why, before=None, after=alias, subject=alias)
            return lines
        last = chain.entries[-1]
        if last.event in OURS and not self.ledger.is_applied(last):
            if alias in (last.before, last.after) and self._is_there(last.after):
                self._apply(last)
                return [*lines, f"finished what was cut off: {last.sentence()}"]
            self.ledger.mark_applied(last)  # somebody has moved it on meanwhile
        if alias != last.after:
            entry = self.ledger.append(
                Event.BY_HAND, _by_hand(last, alias), before=last.after, after=alias, subject=alias
            )
            lines.append(entry.sentence())
        return lines

    def judge(self, version: ModelVersion, verdict: Callable[[Champion | None], Verdict]) -> str | None:
        """Judge a version that was not judged yet, and move the alias when it wins; call `sync` before.

        Returns:
            one line for the user, or None when the version was judged before.
        """
        if GATE_TAG in version.tags:
            return None
        champion, subject = self.registry.champion(), named(version)
        if champion is not None and champion.version == str(version.version):
            self._decide(version, PROMOTED, self._why_champion(subject))
            return f"version {version.version} is the champion"
        if (refused := self._refused_last(subject)) is not None:
            self._decide(version, REFUSED, refused)
            return f"version {version.version} {REFUSED}: {refused}"
        judgement = verdict(champion)
        report = log_report(self.client, version, judgement)
        before = named(self.registry.version_of_alias())
        if judgement.promoted:
            self._move(Event.PROMOTED, judgement.reason, self.registry.as_champion(version), report)
        else:
            self.ledger.append(
                Event.REFUSED, judgement.reason, before=before, after=before, subject=subject, report=report
            )
        self._decide(version, PROMOTED if judgement.promoted else REFUSED, judgement.reason)
        return f"version {version.version} {PROMOTED if judgement.promoted else REFUSED}: {judgement.reason}"

    def choose_earlier(self, number: str | None) -> Champion:
        """Return the version to roll back to.

        Args:
            number: of a former champion; by default the one before the present.

        Raises:
            UsageError: when there is none, or it never was champion.
        """
        entries = self.ledger.read().entries
        alias, former = named(self.registry.version_of_alias()), ever_champion(entries)
        if number is None:
            line = [version for version in champions(entries) if version != alias]
            if not line:
                raise UsageError(f"there is no earlier champion of {self.registry.name} to go back to")
            number = line[-1].version
        elif alias is not None and number == alias.version:
            raise UsageError(f"version {number} is the champion already")
        elif number not in former:
            raise UsageError(
                f"version {number} never was champion; `soundatlas promote {number} --reason …` makes it one"
            )
        version = self.registry.version(number)
        if named(version) != former[number]:
            raise UsageError(f"version {number} is not the model that was champion under that number")
        return self.registry.as_champion(version)

    def choose_any(self, number: str) -> Champion:
        """Return a version that is to become champion whatever the gate said.

        Raises:
            UsageError: when there is no such version, or it is champion already.
        """
        version = self.registry.version(number)
        if named(version) == named(self.registry.version_of_alias()):
            raise UsageError(f"version {number} is the champion already")
        return self.registry.as_champion(version)

    def roll_back(self, chosen: Champion, why: str) -> Entry:
        """Make a former champion champion again."""
        return self._move(Event.ROLLED_BACK, why, chosen)

    def override(self, chosen: Champion, why: str) -> Entry:
        """Make a version champion whatever the gate said; one that it has not seen will not be judged any more."""
        entry = self._move(Event.OVERRIDDEN, why, chosen)
        version = self.registry.version(chosen.version)
        if GATE_TAG not in version.tags:
            self._decide(version, PROMOTED, f"not judged: {why}")
        return entry

    def _move(self, event: Event, why: str, chosen: Champion, report: Report | None = None) -> Entry:
        before = named(self.registry.version_of_alias())
        after = Version(chosen.version, chosen.content_sha256)
        entry = self.ledger.append(event, why, before=before, after=after, subject=after, report=report)
        self._apply(entry)
        return entry

    def _apply(self, entry: Entry) -> None:
        """Let the alias stand where an entry says, and note on the version since when and why."""
        if entry.after is None:
            return
        name, number = self.registry.name, entry.after.version
        self.client.set_registered_model_alias(name, ALIAS, number)
        self.client.set_model_version_tag(name, number, CHAMPION_TAG, entry.time)
        self.client.set_model_version_tag(name, number, BECAUSE_TAG, f"{entry.event}: {entry.why}")
        self.ledger.mark_applied(entry)

    def _is_there(self, version: Version | None) -> bool:
        """Whether a version that was entered still is what it was: somebody may have deleted it."""
        if version is None:
            return False
        try:
            return named(self.client.get_model_version(self.registry.name, version.version)) == version
        except MlflowException as error:
            if error.error_code in ABSENT:
                return False
            raise

    def _why_champion(self, subject: Version | None) -> str:
        """Return why a version became champion whose run was killed before it could say so."""
        entries = self.ledger.read().entries
        return next((entry.why for entry in reversed(entries) if entry.subject == subject), "champion already")

    def _refused_last(self, subject: Version | None) -> str | None:
        """Return why a version was refused by a run that was killed before it could say so; None where none was."""
        entries = self.ledger.read().entries
        if entries and entries[-1].event is Event.REFUSED and entries[-1].subject == subject:
            return entries[-1].why
        return None

    def _decide(self, version: ModelVersion, decision: str, reason: str) -> None:
        self.client.set_model_version_tag(self.registry.name, str(version.version), REASON_TAG, reason)
        self.client.set_model_version_tag(self.registry.name, str(version.version), GATE_TAG, decision)


def named(version: ModelVersion | None) -> Version | None:
    """Return a version of MLflow's as the ledger names it."""
    return None if version is None else Version(str(version.version), version.tags.get(CONTENT_TAG))


def _by_hand(last: Entry, alias: Version | None) -> str:
    was = f"version {last.after.version}" if last.after else "nobody"
    return f"the alias was moved from {was} to {f'version {alias.version}' if alias else 'nobody'} outside soundatlas"
