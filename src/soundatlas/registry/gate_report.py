"""The gate's report: every decision, a refusal too, as JSON and as a page that stands alone, beside the MLflow run."""

from __future__ import annotations

import html
import math
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

from soundatlas.files import read_json, sha256_file, write_json, write_text
from soundatlas.registry.gate_figures import confusion_image, interval_image
from soundatlas.registry.ledger_store import Report

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

    from soundatlas.registry.gate import Verdict

FOLDER, JSON_NAME, PAGE_NAME = "gate", "report.json", "report.html"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; color: #1a1a1a }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: left }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums }}
.passed {{ color: #17692b }} .failed {{ color: #a4161a }}
.pair {{ display: flex; flex-wrap: wrap; gap: 1em }} img {{ max-width: 100% }}
</style>
<h1>{title}</h1>
<p class="{css}"><b>{decision}</b>: {reason}</p>
{body}
</html>
"""


def log_report(client: MlflowClient, version: ModelVersion, verdict: Verdict) -> Report:
    """Write the report on a version to its run, in `report_folder`; return where it lies."""
    with TemporaryDirectory() as folder:
        write_report(Path(folder), verdict, f"{version.name} version {version.version}")
        client.log_artifacts(version.run_id, folder, report_folder(version))
        sha256 = sha256_file(Path(folder) / JSON_NAME)
    return Report(f"runs:/{version.run_id}/{report_folder(version)}/{JSON_NAME}", sha256)


def report_folder(version: ModelVersion) -> str:
    """Return the folder of a version's report beside its run: one run may be registered again, or under two names."""
    return f"{FOLDER}/{version.name}-v{version.version}"


def read_report(client: MlflowClient, version: ModelVersion) -> dict[str, Any] | None:
    """Return the report on a version, or None where there is none, or its run was deleted for good."""
    folder = report_folder(version)
    try:
        there = client.list_artifacts(version.run_id, folder)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    if not any(found.path == f"{folder}/{JSON_NAME}" for found in there):
        return None
    with TemporaryDirectory() as here:
        return dict(read_json(Path(client.download_artifacts(version.run_id, f"{folder}/{JSON_NAME}", here))))


def write_report(folder: Path, verdict: Verdict, name: str) -> None:
    """Write `report.json` and `report.html` into a folder.

    Args:
        folder: that exists.
        verdict: what the gate said.
        name: of the model that was judged.
    """
    report = _without_nan({"model": name, **asdict(verdict)})
    write_json(folder / JSON_NAME, report)
    write_text(folder / PAGE_NAME, page(report))


def page(report: dict[str, Any]) -> str:
    """Return the report as a page without anything from elsewhere; every name in it is text."""
    decision = "promoted" if report["promoted"] else "refused"
    figures = report["figures"]
    parts = [_checks(report["checks"])] if report["checks"] else []
    if "gain" in figures:
        about = (
            f"{figures['metric']}, {figures['tracks']} test tracks in {figures['groups']} groups, "
            f"{figures['confidence']:.0%} interval of a paired bootstrap over groups, {figures['resamples']} resamples"
        )
        parts.append(
            f"<h2>Gain over {_text(figures['rival_name'])}</h2>\n<p>{_text(about)}</p>\n"
            + _image(interval_image(figures))
        )
    if report["classes"]:
        parts.append(_classes(report["classes"], figures))
    for head, counts in report["confusions"].items():
        pictures = [
            _image(confusion_image(counts["names"], counts[who], f"{head}: {title}"))
            for who, title in (("challenger", "challenger"), ("rival", figures["rival_name"]))
        ]
        parts.append(f'<h2>{_text(head)}</h2>\n<div class="pair">{"".join(pictures)}</div>')
    return PAGE.format(
        title=_text(f"{report['model']}: the gate"),
        css="passed" if report["promoted"] else "failed",
        decision=decision,
        reason=_text(report["reason"]),
        body="\n".join(parts),
    )


def _checks(checks: list[dict[str, Any]]) -> str:
    rows = "\n".join(
        f'<tr><td>{_text(check["name"])}</td><td class="{"passed" if check["passed"] else "failed"}">'
        f"{'passed' if check['passed'] else 'failed'}</td><td>{_text(check['says'])}</td></tr>"
        for check in checks
    )
    return f"<h2>What was asked</h2>\n<table>\n<tr><th>check<th><th>found</tr>\n{rows}\n</table>"


def _classes(rows: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    titles = ("label", "class", "tracks", "F1", f"F1 of {figures['rival_name']}", "change")
    head = "".join(f"<th{'' if number < 2 else NUMBER}>{_text(title)}</th>" for number, title in enumerate(titles))  # noqa: PLR2004 - the first two are words
    lines = [
        f"<tr><td>{_text(row['head'])}</td><td>{_text(row['class'])}</td><td{NUMBER}>{row['tracks']}</td>"
        f"<td{NUMBER}>{row['challenger']:.2f}</td><td{NUMBER}>{row['rival']:.2f}</td><td{NUMBER}>{row['change']:+.2f}</td></tr>"
        for row in rows
    ]
    return f"<h2>Classes</h2>\n<table>\n<tr>{head}</tr>\n" + "\n".join(lines) + "\n</table>"


NUMBER = ' class="number"'


def _image(data_uri: str) -> str:
    return f'<img alt="" src="{data_uri}">'


def _text(value: object) -> str:
    return html.escape(str(value))


def _without_nan(value: Any) -> Any:
    """Replace what cannot be computed by null, which JSON has and NaN it has not."""
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
