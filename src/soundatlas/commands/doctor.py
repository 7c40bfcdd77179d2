"""`soundatlas doctor`: whether everything is ready, and what to do where it is not."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.doctor.examination import examine
from soundatlas.doctor.finding import Finding, Status
from soundatlas.files import project_root

MOST_TODO_WIDTH = 44
MARKS = {Status.OK: "[green]✓[/]", Status.WARNING: "[yellow]![/]", Status.FAULT: "[red]✗[/]"}


def print_findings(*, as_json: bool) -> bool:
    """Examine the project and print what was found, as a table or as JSON.

    Returns:
        whether nothing needs repair.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character is no reason to fail
    groups = examine(project_root())
    counts = Counter(finding.status for findings in groups.values() for finding in findings)
    is_well = not counts[Status.FAULT]
    if as_json:
        rows = [{"group": group, **asdict(finding)} for group, findings in groups.items() for finding in findings]
        print(json.dumps({"ok": is_well, "findings": rows}, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return is_well
    console = wide_console()
    console.print(findings_table(groups))
    console.print(closing_line(counts[Status.FAULT], counts[Status.WARNING]))
    return is_well


def findings_table(groups: dict[str, list[Finding]]) -> Table:
    """Return the findings for a terminal: a mark, what was found, and what to do about it."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    for most in (None, None, MOST_TODO_WIDTH):
        shown.add_column(overflow="fold", max_width=most)
    for group, findings in groups.items():
        shown.add_row(f"\n[bold]{escape(group)}[/]")
        for finding in findings:
            shown.add_row(
                f"{MARKS[finding.status]} {escape(finding.check)}",
                escape(printable(finding.message)),
                f"[bold]{escape(printable(finding.todo or ''))}[/]",
            )
    return shown


def closing_line(faults: int, warnings: int) -> str:
    """Sum up in one line."""
    if not faults and not warnings:
        return "\nAll well."
    to_repair = f"{faults} {'thing' if faults == 1 else 'things'} to repair" if faults else "Nothing to repair"
    return f"\n{to_repair}{f', {warnings} to look at' if warnings else ''}."
