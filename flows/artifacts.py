"""What a run leaves in the Prefect UI: scores beside those before, checks, the gate's decision, predictions, links."""

from __future__ import annotations

import html
import os
from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from soundatlas.commands.models import comparison_lines
from soundatlas.files import read_json
from soundatlas.registry.comparison import differing_params
from soundatlas.registry.tracking import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from soundatlas.registry.comparison import VersionRow
    from soundatlas.registry.ledger import Entry
    from soundatlas.registry.story import ModelStory

MOST_ROWS = 50
MOST_VERSIONS = 12
METRICS, REPORT = "data/evaluation/metrics.json", "data/validation/report.json"


def read_metrics(root: Path) -> dict[str, Any] | None:
    """Return what the last `evaluate` wrote, or None while there is nothing."""
    return read_json(root / METRICS) if (root / METRICS).is_file() else None


def publish_metrics(now: dict[str, Any], before: dict[str, Any] | None, than: str) -> None:
    """Publish scores with intervals, the baselines, and the change, and where a page server runs, a link to figures.

    Args:
        now: as `evaluate` wrote them.
        before: those to compare with, if any.
        than: what the others are, as words for the heading.
    """
    about, earlier = now["about"], flatten(before or {})
    rows = []
    for kind, score, key in (("classes", "macro F1", "macro_f1"), ("attributes", "R2", "r2")):
        for head, figures in now[kind].items():
            value, was = figures[key], earlier.get(f"{kind}.{head}.{key}")
            interval = f"[{figures[f'{key}_low']:.2f}, {figures[f'{key}_high']:.2f}]"
            peer = now["baselines"].get("mfcc_logistic_regression", {}).get(head, {}).get(key)
            rows.append([head, score, f"**{value:.3f}** {interval}", _change(value, was), _number(was), _number(peer)])
    text = (
        f"{about['tracks']} tracks, split {about['split']}; {about['seeds']} seed; "
        f"{about['confidence']:.0%} interval by {about['interval']}. MFCC: logistic regression on MFCC statistics.\n\n"
        + markdown_table(["label", "score", "now", "change", than, "MFCC"], rows)
    )
    if pages := os.environ.get("SOUNDATLAS_PAGES"):
        text += f"\n\n[Figures and contact sheets]({pages}/)"
    create_markdown_artifact(text, key="metrics", description="Scores on the test tracks")


def publish_validation(root: Path) -> None:
    """Publish what the checks found, with a link to Data Docs where a page server runs."""
    path = root / REPORT
    if not path.is_file():
        return
    report = read_json(path)
    failed = [found for found in report["expectations"] if not found["success"]]
    counts = report["counts"]
    text = f"{counts['expectations']} rules: {counts['errors']} errors, {counts['warnings']} warnings.\n\n"
    if failed:
        rows = [
            [found["severity"], found["says"], found["observed"], _offenders(found)] for found in failed[:MOST_ROWS]
        ]
        text += markdown_table(["severity", "rule", "found", "where"], rows)
    pages = os.environ.get("SOUNDATLAS_PAGES")
    text += f"\n\n[Data Docs]({pages}/data-docs/)" if pages else "\n\nData Docs: `data/data_docs/index.html`"
    create_markdown_artifact(text, key="validation", description="What was checked before training")


def publish_gate(story: ModelStory) -> None:
    """Publish the gate's decision on the model in `data/model/`, and links to its run and its version in MLflow."""
    rows = [
        ["model", story.content_sha256[:12]],
        ["version", story.version or "not registered"],
        ["decision", story.decision or "not judged"],
        ["reason", story.reason or ""],
        ["champion", f"version {story.champion_version}" if story.champion_version else "none yet"],
    ]
    text = markdown_table(["", ""], rows)
    if story.report is not None:
        text += _gate_report(story)
    create_markdown_artifact(text, key="gate", description="Does the champion change?")
    publish_run_link(story)
    base = mlflow_ui()
    if base and story.version:
        create_link_artifact(
            f"{base}/#/models/{story.name}/versions/{story.version}",
            link_text=f"{story.name} version {story.version} in MLflow",
            key="registered-version",
            description="The model in the registry",
        )


def publish_models(rows: Sequence[VersionRow]) -> None:
    """Publish the versions side by side, a column each, as `soundatlas models` shows them."""
    shown = rows[:MOST_VERSIONS]
    lines = comparison_lines(shown, differing_params(shown))
    table = [
        {"": label, **{f"version {row.version}": cell for row, cell in zip(shown, cells, strict=True)}}
        for label, cells in lines
    ]
    create_table_artifact(table, key="models", description="The versions side by side, the newest first")


def publish_move(entry: Entry) -> None:
    """Publish a move of the champion that somebody has asked for."""
    was, now = (f"version {each.version}" if each else "nobody" for each in (entry.before, entry.after))
    rows = [
        ["champion", now],
        ["before", was],
        ["what", str(entry.event)],
        ["why", entry.why],
        ["who", entry.who],
        ["when", entry.time],
        ["entry", f"{entry.sequence}, {entry.sha256}"],
    ]
    create_markdown_artifact(markdown_table(["", ""], rows), key="champion", description="The champion was moved")


def publish_run_link(story: ModelStory) -> None:
    """Publish a link to the MLflow run of a training."""
    base = mlflow_ui()
    if base and story.run_id:
        create_link_artifact(
            f"{base}/#/experiments/{story.experiment_id}/runs/{story.run_id}",
            link_text=f"training run {story.run_name} in MLflow",
            key="mlflow-run",
            description="The training in MLflow",
        )


def publish_predictions(root: Path, before: dict[str, dict[str, Any]]) -> None:
    """Publish the predictions for the inbox, those that differ from before first.

    Args:
        root: the project.
        before: as `read_predictions` gave them before the run.
    """
    now = read_predictions(root)
    changed = [path for path in now if path in before and _labels(now[path]) != _labels(before[path])]
    new = [path for path in now if path not in before]
    text = f"{len(now)} files: {len(new)} new, {len(changed)} with other labels than before.\n\n"
    if not now:
        text += "The inbox is empty: put audio files into it, and run this again."
    heads = sorted({head for row in now.values() for head in _labels(row)})
    rows = []
    for path in [*changed, *new, *(path for path in now if path not in {*changed, *new})][:MOST_ROWS]:
        was = _labels(before.get(path, {}))
        cells = [
            f"{was[head]} → **{label}**" if path in changed and was.get(head) != label else str(label)
            for head, label in ((head, _labels(now[path]).get(head, "")) for head in heads)
        ]
        rows.append([path, *cells, now[path]["status"]])
    if rows:
        text += markdown_table(["file", *heads, "status"], rows)
    if len(now) > MOST_ROWS:
        text += f"\n\nThe first {MOST_ROWS} of {len(now)}; all are in `data/predictions/predictions.csv`."
    create_markdown_artifact(text, key="predictions", description="What the champion hears in the inbox")


def read_predictions(root: Path) -> dict[str, dict[str, Any]]:
    """Return path -> row of `data/predictions/`, empty while there are none."""
    import pandas as pd

    path = root / "data/predictions/predictions.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return {str(row["path"]): {str(key): value for key, value in row.items()} for row in table.to_dict("records")}


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose cells show names from files as text, whatever is in them."""
    lines = [list(header), ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mlflow_ui() -> str | None:
    """Return the address under which MLflow's pages are served, if they are."""
    return os.environ.get("SOUNDATLAS_MLFLOW_UI")


def _gate_report(story: ModelStory) -> str:
    """Return what was asked of the model and its classes, from the gate's report, with a link to the page."""
    report = story.report or {"checks": [], "classes": []}
    asked = [[check["name"], "passed" if check["passed"] else "failed", check["says"]] for check in report["checks"]]
    text = "\n\n" + markdown_table(["check", "", "found"], asked) if asked else ""
    classes = [
        [row["head"], row["class"], str(row["tracks"]), f"{row['challenger']:.2f}", f"{row['rival']:.2f}"]
        for row in report["classes"][:MOST_ROWS]
    ]
    if classes:
        rival = report["figures"]["rival_name"]
        text += "\n\n" + markdown_table(["label", "class", "tracks", "F1", f"F1 of {rival}"], classes)
    if base := mlflow_ui():
        page = f"{base}/#/experiments/{story.experiment_id}/runs/{story.report_page}"
        text += f"\n\n[The report, with intervals and confusion matrices]({page})"
    return text


def _cell(value: str) -> str:
    text = " ".join(html.escape(value, quote=False).split())
    for mark in "\\`[]|":
        text = text.replace(mark, f"\\{mark}")
    return text


def _labels(row: dict[str, Any]) -> dict[str, Any]:
    """Return head -> label: the columns that have a confidence beside them."""
    return {head: row[head] for head in row if f"{head}_confidence" in row}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _change(now: float, before: float | None) -> str:
    return "" if before is None else f"{now - before:+.3f}"


def _offenders(found: dict[str, Any]) -> str:
    names = ", ".join(f"{each['name']} ({each['detail']})" for each in found["offenders"][:5])
    return names + (" …" if found["offender_count"] > len(found["offenders"][:5]) else "")
