"""What came of a rule: does it hold, and if not, who offends it and how?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.quality.facts import WHO

if TYPE_CHECKING:
    from soundatlas.quality.suites import Rule

MESSAGE_CHARACTERS = 200
SHA256 = re.compile("[0-9a-f]{64}")
HASH_CHARACTERS = 12  # enough to see which are equal


@dataclass(frozen=True)
class Finding:
    """What came of one rule.

    Attributes:
        rule: the rule.
        success: whether it holds.
        observed: what was seen, in a few words.
        offenders: a row per offending row of facts: the columns `WHO`, and `detail`.
        broken: whether the rule could not be evaluated at all.
    """

    rule: Rule
    success: bool
    observed: str
    offenders: pd.DataFrame
    broken: bool = False

    @property
    def severity(self) -> str:
        """The rule's severity, but `error` where the rule could not be evaluated: nobody knows whether it holds."""
        return "error" if self.broken else self.rule.severity


def find(rule: Rule, facts: pd.DataFrame, outcome: Any) -> Finding:
    """Return what came of a rule.

    Args:
        rule: the rule.
        facts: the table that was checked, with a plain numbered index.
        outcome: Great Expectations' ExpectationValidationResult with the result format COMPLETE.
    """
    message = _raised(outcome.exception_info)
    rows = [] if message or outcome.success else outcome.result.get("unexpected_index_list") or []
    return Finding(
        rule=rule,
        success=bool(outcome.success) and message is None,
        observed=f"could not be evaluated: {message}" if message else _observed(outcome.result),
        offenders=_offenders(facts.iloc[rows], rule),
        broken=message is not None,
    )


def describe_offender(offender: Any) -> str:
    """Return one line about a row of `Finding.offenders`."""
    known = [value for value in (offender.title, offender.artist) if isinstance(value, str) and value.strip()]
    about = f" ({', '.join(known)})" if known else ""
    return f"{offender.name}{about}: {offender.detail}"


def _raised(exception_info: dict[str, Any]) -> str | None:
    """Return the message of an exception that Great Expectations met while evaluating, or None.

    It keeps either one exception, or one per metric.
    """
    several = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = sorted(str(one["exception_message"]) for one in several if one["raised_exception"])
    return " ".join(messages[0].split())[:MESSAGE_CHARACTERS] if messages else None


def _observed(result: dict[str, Any]) -> str:
    """Return what was seen: offending rows of all, what lacks of a set, or a figure."""
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']}"
    if lacking := result.get("partial_missing_list"):
        return f"lacks {', '.join(str(value) for value in lacking)}"
    return _shown(result.get("observed_value"))


def _offenders(rows: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Return who offends, with what `rule.show` asks for in one line."""
    shown = [column for column in rule.show if column in rows.columns]
    details = [
        "; ".join(f"{column.replace('_', ' ')} {_shown(value)}" for column, value in zip(shown, values, strict=True))
        for values in rows[shown].itertuples(index=False, name=None)
    ]
    return rows[list(WHO)].assign(detail=pd.Series(details, index=rows.index, dtype="str")).reset_index(drop=True)


def _shown(value: Any) -> str:
    """Return a cell as a person would write it."""
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    if pd.isna(value):
        return "missing"
    if SHA256.fullmatch(str(value)):
        return f"{value[:HASH_CHARACTERS]}..."
    return f"{value:g}" if isinstance(value, float) else str(value)
