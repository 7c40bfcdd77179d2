"""The first page of Data Docs: the verdict, with links into the pages that Great Expectations builds.

Great Expectations' own index draws its table with scripts from the network and is empty without; it stays
beside this page as `great_expectations.html`.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from soundatlas.quality.findings import describe_offender

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.quality.findings import Finding

INDEX = "index.html"
OWN_INDEX = "great_expectations.html"
SHOWN_PER_RULE = 20
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>soundatlas: validation</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
td, th {{ border-bottom: 1px solid #8886; padding: 0.3rem 1rem 0.3rem 0; text-align: left; }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 0; }}
p, ul {{ margin-top: 0.3rem; }}
li {{ overflow-wrap: anywhere; }}
.error {{ color: #c62828; font-weight: bold; }}
.warning {{ color: #b26a00; font-weight: bold; }}
</style>
</head>
<body>
<h1>{verdict}</h1>
<table>
<tr><th>suite</th><th>holds</th><th>errors</th><th>warnings</th><th></th></tr>
{suites}
</table>
{unmet}
<p>Errors stop the line before training; warnings do not.
<a href="{own_index}">Great Expectations' own index</a> needs a network.</p>
</body>
</html>
"""


def write_front_page(folder: Path, findings: list[Finding]) -> None:
    """Put the first page into a folder of Data Docs, in the place of Great Expectations' own."""
    (folder / INDEX).replace(folder / OWN_INDEX)
    unmet = [finding for finding in findings if not finding.success]
    errors = sum(finding.severity == "error" for finding in unmet)
    suites = dict.fromkeys(finding.rule.suite for finding in findings)
    page = PAGE.format(
        verdict=f"Validation: {_counted(errors, 'error')}, {_counted(len(unmet) - errors, 'warning')}",
        suites="\n".join(_suite_row(folder, suite, findings) for suite in suites),
        unmet="\n".join(_unmet_rule(finding) for finding in sorted(unmet, key=lambda finding: finding.severity)),
        own_index=OWN_INDEX,
    )
    (folder / INDEX).write_text(page, encoding="utf-8")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _suite_row(folder: Path, suite: str, findings: list[Finding]) -> str:
    """Return a suite's line: its counts, and links to its outcome and to what it says."""
    of_suite = [finding for finding in findings if finding.rule.suite == suite]
    unmet = [finding.severity for finding in of_suite if not finding.success]
    [results] = (folder / "validations" / suite).rglob("*.html")
    counts = f"<td>{len(of_suite) - len(unmet)} of {len(of_suite)}</td>" + "".join(
        f'<td class="{severity if severity in unmet else "none"}">{unmet.count(severity)}</td>'
        for severity in ("error", "warning")
    )
    link = f'<a href="{results.relative_to(folder).as_posix()}">{suite}</a>'
    return f'<tr><td>{link}</td>{counts}<td><a href="expectations/{suite}.html">what must hold</a></td></tr>'


def _unmet_rule(finding: Finding) -> str:
    """Return what does not hold and who offends it."""
    first = finding.offenders.head(SHOWN_PER_RULE)
    lines = [describe_offender(offender) for offender in first.itertuples(index=False)]
    if more := len(finding.offenders) - len(first):
        lines.append(f"... and {more} more: data/validation/offenders.parquet")
    offenders = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<h2><span class="{finding.severity}">{finding.severity}</span> {escape(finding.rule.says)}</h2>'
        f"<p>{finding.rule.suite}: {escape(finding.observed)}</p><ul>{offenders}</ul>"
    )
