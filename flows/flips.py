"""What flipped with a new champion: an artifact of every run that classifies, and an event when labels have drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.logging import get_run_logger

from flows.artifacts import MOST_ROWS, markdown_table
from soundatlas.files import read_json, write_json
from soundatlas.history.flip_report import FLIPS_FOLDER, TABLE_NAME, report_flips
from soundatlas.registry.pin import name_model

if TYPE_CHECKING:
    from pathlib import Path

DRIFTED = "soundatlas.predictions.drifted"
ANNOUNCED = FLIPS_FOLDER / "announced.json"


def publish_flips(root: Path, max_psi: float) -> None:
    """Publish the flip report; where labels have drifted with this champion, emit an event, once for each champion.

    Args:
        root: the project.
        max_psi: above which population stability index the distribution of labels has drifted.
    """
    report = report_flips(root, max_psi)
    create_markdown_artifact(
        _as_markdown(root, report), key="flips", description="What the champion calls otherwise than the one before"
    )
    if report is not None and report["drifted"]:
        _announce_drift(root, report)


def _announce_drift(root: Path, report: dict[str, Any]) -> None:
    """Emit the event, then remember it: a kill between the two repeats it, and loses none."""
    announced = root / ANNOUNCED
    about = {key: report[key] for key in ("number", "before", "after", "drifted")}  # numbers begin again with a history
    if announced.is_file() and read_json(announced) == about:
        return
    get_run_logger().warning(
        "the distribution of %s has drifted: population stability index above %g",
        ", ".join(report["drifted"]),
        report["max_psi"],
    )
    emit_event(
        DRIFTED,
        resource={
            "prefect.resource.id": f"soundatlas.predictions.{root.name}",
            "prefect.resource.name": f"predictions of {root.name}",
        },
        payload={
            "before": report["before"],
            "after": report["after"],
            "max_psi": report["max_psi"],
            "psi": {head: figures["psi"] for head, figures in report["heads"].items()},
        },
    )
    write_json(announced, about)


def _as_markdown(root: Path, report: dict[str, Any] | None) -> str:
    if report is None:
        return "No champion has classified anything yet."
    now = name_model(root, report["after"])
    if report["before"] is None:
        return f"{now} is the first champion with predictions here: there is nothing to compare it with."
    heads = [
        [
            head,
            f"{figures['flipped']} of {figures['compared']}",
            f"{figures['mean_confidence_before']:.3f} → {figures['mean_confidence_after']:.3f}",
            f"**{figures['psi']:.3f}, drifted**" if figures["drifted"] else f"{figures['psi']:.3f}",
        ]
        for head, figures in report["heads"].items()
    ]
    moves = [
        [head, each["before"], each["after"], str(each["files"])]
        for head, figures in report["heads"].items()
        for each in figures["confusion"]
        if each["before"] != each["after"]
    ]
    files = [
        [
            flip["path"],
            flip["head"],
            f"{flip['before']} {flip['confidence_before']:.0%}",
            f"{flip['after']} {flip['confidence_after']:.0%}",
        ]
        for flip in report["flips"]
    ]
    parts = [
        (
            f"{name_model(root, report['before'])} → {now}: {report['compared']} of {report['files']} files compared, "
            f"{report['new']} were not there before, {report['no_longer_classified']} are no longer classified, "
            f"{report['now_classified']} are for the first time."
        ),
        markdown_table(["label", "flipped", "mean confidence", "PSI"], heads),
        f"PSI: population stability index of the labels; above {report['max_psi']:g} they have drifted.",
    ]
    if files:
        parts += [
            markdown_table(["label", "before", "now", "files"], moves[:MOST_ROWS]),
            markdown_table(["file", "label", "before", "now"], files[:MOST_ROWS]),
        ]
    if len(files) > MOST_ROWS:
        parts.append(f"The first {MOST_ROWS} of {len(files)} flips; all are in `{FLIPS_FOLDER / TABLE_NAME}`.")
    return "\n\n".join(parts)
