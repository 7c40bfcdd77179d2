"""The verdict on the data: what a stage records, what a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.files import write_json
from soundatlas.quality.facts import WHO, collect_facts
from soundatlas.quality.judge import judge
from soundatlas.quality.suites import GX_FOLDER, read_suites, suite_parameters
from soundatlas.tables import conform, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.quality.findings import Finding
    from soundatlas.quality.inputs import Tables

OFFENDERS = dict.fromkeys(("suite", "expectation", "severity", *WHO, "detail"), "str")
OFFENDERS_IN_REPORT = 20


@dataclass(frozen=True)
class Report:
    """The verdict: what came of every rule, and how much was looked at."""

    findings: tuple[Finding, ...]
    rows: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether no error was found; warnings do not count."""
        return not self.unmet("error")

    def unmet(self, severity: str) -> list[Finding]:
        """Return the rules of a severity, `error` or `warning`, that do not hold."""
        return [finding for finding in self.findings if not finding.success and finding.severity == severity]

    def offenders(self) -> pd.DataFrame:
        """Return every offending row of every rule that does not hold, in the order of the rules."""
        tables = [
            finding.offenders.assign(suite=finding.rule.suite, expectation=finding.rule.rule, severity=finding.severity)
            for finding in self.findings
            if len(finding.offenders)
        ]
        return conform(pd.concat(tables) if tables else pd.DataFrame(), OFFENDERS)

    def as_json(self) -> dict[str, Any]:
        """Return the report: equal data give equal reports, so it names no time and no place."""
        return {
            "passed": self.passed,
            "counts": {
                "expectations": len(self.findings),
                "errors": len(self.unmet("error")),
                "warnings": len(self.unmet("warning")),
                "rows": self.rows,
            },
            "expectations": [_finding_as_json(finding) for finding in self.findings],
        }

    def write(self, folder: Path) -> None:
        """Write `report.json` and `offenders.parquet` into a folder."""
        write_json(folder / "report.json", self.as_json())
        write_table(self.offenders(), folder / "offenders.parquet")


def check(tables: Tables, params: Params, root: Path, docs_folder: Path | None) -> Report:
    """Check tables against the suites that are committed in `gx/`.

    Args:
        tables: what to check.
        params: the thresholds, and what is trained on.
        root: the project, which holds `gx/`; nothing in it is changed.
        docs_folder: an existing folder that receives Data Docs; None builds none.

    Raises:
        SoundatlasError: when a suite cannot be read or evaluated.
    """
    parameters = suite_parameters(params)
    suites = read_suites(root / GX_FOLDER, parameters)
    findings = judge(collect_facts(tables, params), suites, parameters, root / GX_FOLDER, docs_folder)
    return Report(findings=tuple(findings), rows={name: len(table) for name, table in vars(tables).items()})


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    first = finding.offenders.head(OFFENDERS_IN_REPORT)
    return {
        "suite": finding.rule.suite,
        "expectation": finding.rule.rule,
        "says": finding.rule.says,
        "severity": finding.severity,
        "success": finding.success,
        "observed": finding.observed,
        "offender_count": len(finding.offenders),
        "offenders": [
            {key: value for key, value in row.items() if pd.notna(value)} for row in first.to_dict("records")
        ],
    }
