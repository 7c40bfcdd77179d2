"""`soundatlas flips`: which files the champion calls otherwise than the champion before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError
from soundatlas.files import project_root
from soundatlas.history.flip_report import FLIPS_FOLDER, TABLE_NAME, report_flips
from soundatlas.params import load_params
from soundatlas.registry.pin import name_model

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROWS = 30


def print_flips(*, as_json: bool) -> None:
    """Bring the flip report up to date and print it.

    Raises:
        NotReadyError: when no champion has classified anything here.
    """
    root = project_root()
    report = report_flips(root, load_params(root / "params.yaml").reclassify.max_psi)
    if report is None:
        raise NotReadyError("there are no predictions of a champion yet: put audio into the inbox and run `dvc repro`")
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    console = wide_console()
    for line in opening_lines(root, report):
        console.print(escape(line), highlight=False, soft_wrap=True)
    if report["before"] is not None:
        console.print(head_table(report))
        if report["flips"]:
            console.print(flip_table(report))
        console.print(f"All of it: {FLIPS_FOLDER / TABLE_NAME} and report.json beside it", highlight=False)


def opening_lines(root: Path, report: dict[str, Any]) -> list[str]:
    """Return which champions are compared, on how many files, and which labels have drifted."""
    now = name_model(root, report["after"])
    if report["before"] is None:
        return [f"{now} is the first champion with predictions here: there is nothing to compare it with"]
    counted = (
        f"{report['compared']} of {report['files']} files compared, {report['new']} were not there before, "
        f"{report['no_longer_classified']} are no longer classified, "
        f"{report['now_classified']} are for the first time"
    )
    lines = [f"{name_model(root, report['before'])} -> {now}", counted]
    if report["drifted"]:
        lines.append(
            f"The distribution of {', '.join(report['drifted'])} has drifted: population stability index above "
            f"reclassify.max_psi ({report['max_psi']:g})"
        )
    return lines


def head_table(report: dict[str, Any]) -> Table:
    """Return per head how many files flipped, the confidence before and after, and the drift."""
    shown = Table()
    for column in ("label", "flipped", "mean confidence", "PSI", "most frequent"):
        shown.add_column(column)
    for head, figures in report["heads"].items():
        moves = [each for each in figures["confusion"] if each["before"] != each["after"]]
        shown.add_row(
            escape(head),
            f"{figures['flipped']} of {figures['compared']}",
            f"{figures['mean_confidence_before']:.0%} -> {figures['mean_confidence_after']:.0%}",
            f"{figures['psi']:.3f}{' drifted' if figures['drifted'] else ''}",
            escape(printable(", ".join(f"{e['before']} -> {e['after']} ({e['files']})" for e in moves[:3]))),
        )
    return shown


def flip_table(report: dict[str, Any]) -> Table:
    """Return the files that are called otherwise."""
    shown = Table(
        title=f"{len(report['flips'])} flips, the first {MOST_ROWS}" if len(report["flips"]) > MOST_ROWS else ""
    )
    for column in ("file", "label", "before", "now"):
        shown.add_column(column, overflow="fold")
    for flip in report["flips"][:MOST_ROWS]:
        shown.add_row(
            escape(printable(flip["path"])),
            escape(flip["head"]),
            escape(printable(f"{flip['before']} {flip['confidence_before']:.0%}")),
            escape(printable(f"{flip['after']} {flip['confidence_after']:.0%}")),
        )
    return shown
