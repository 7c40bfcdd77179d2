"""The report on the terminal: a line per suite, then what does not hold and who offends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from soundatlas.quality.findings import describe_offender

if TYPE_CHECKING:
    from rich.console import Console

    from soundatlas.quality.findings import Finding
    from soundatlas.quality.report import Report

SHOWN_PER_RULE = 5
COLOURS = {"error": "red", "warning": "yellow"}


def print_report(report: Report, console: Console) -> None:
    """Print what holds, what does not, and the first offenders."""
    suites = Table("suite", "holds", "errors", "warnings")
    for suite in dict.fromkeys(finding.rule.suite for finding in report.findings):
        findings = [finding for finding in report.findings if finding.rule.suite == suite]
        unmet = [finding.severity for finding in findings if not finding.success]
        suites.add_row(
            suite,
            f"{len(findings) - len(unmet)} of {len(findings)}",
            _count(unmet, "error"),
            _count(unmet, "warning"),
        )
    console.print(suites)
    if unmet_rules := [*report.unmet("error"), *report.unmet("warning")]:
        rules = Table("severity", "suite", "does not hold", "offenders", show_lines=True)
        for finding in unmet_rules:
            colour = COLOURS[finding.severity]
            rules.add_row(
                f"[{colour}]{finding.severity}[/]",
                finding.rule.suite,
                f"{_plain(finding.rule.says)}\n[dim]{_plain(finding.observed)}[/]",
                _first_offenders(finding),
            )
        console.print(rules)


def summarise(report: Report) -> str:
    """Return the errors in one line, the first of them by name."""
    errors = report.unmet("error")
    first = errors[0]
    whom = describe_offender(next(first.offenders.itertuples(index=False))) if len(first.offenders) else first.observed
    count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
    return f"{count}, e.g. {first.rule.suite}: {first.rule.says!r} does not hold ({_printable(whom)})"


def _first_offenders(finding: Finding) -> str:
    shown = finding.offenders.head(SHOWN_PER_RULE)
    lines = [_plain(describe_offender(offender)) for offender in shown.itertuples(index=False)]
    if more := len(finding.offenders) - len(shown):
        lines.append(f"... and {more} more")
    return "\n".join(lines)


def _count(unmet: list[str], severity: str) -> str:
    count = unmet.count(severity)
    return f"[{COLOURS[severity]}]{count}[/]" if count else "0"


def _plain(text: str) -> str:
    """Return text of the data such that it neither styles nor steers a terminal."""
    return escape(_printable(text))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
