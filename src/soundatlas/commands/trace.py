"""`soundatlas trace`: what was done to one track, in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.files import project_root
from soundatlas.lineage.subject import find_subject
from soundatlas.params import load_params

if TYPE_CHECKING:
    from soundatlas.lineage.timeline import Timeline

SHOWN_OF_TIME = 19  # to the second
SHOWN_OF_HASH = 12
WIDEST_BY = 16
GOOD = ("computed", "promoted", "side train", "side validation")


def trace_track(what: str, *, as_json: bool) -> None:
    """Print the timeline of a track.

    Args:
        what: see `find_subject`, by part.
        as_json: print everything as JSON.

    Raises:
        UsageError: when nothing of that name is known.
        HistoryError: when the history is damaged.
    """
    from soundatlas.lineage import timeline

    root = project_root()
    subject = find_subject(root, what, by_part=True)
    told = timeline.tell_timeline(root, load_params(root / "params.yaml"), subject)
    if as_json:
        values = {"name": subject.name, "audio_sha256": subject.audio_sha256, **timeline.as_json(told)}
        print(json.dumps(values, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    console = wide_console()
    for name, value in told.now:
        console.print(f"{name:<10} {escape(printable(value))}", soft_wrap=True, highlight=False)
    console.print(timeline_table(subject.name, told))


def timeline_table(title: str, timeline: Timeline) -> Table:
    """Return a timeline for a terminal, the first happening first."""
    shown = Table(title=escape(printable(title)), title_justify="left", caption_justify="left")
    for column in ("when (UTC)", "what", "outcome"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("seconds", justify="right", no_wrap=True)
    shown.add_column("by", overflow="ellipsis", max_width=WIDEST_BY, no_wrap=True)
    shown.add_column("about", overflow="fold")
    for each in timeline.happenings:
        outcome = each.outcome if each.attempt in {None, 1} else f"{each.outcome}, attempt {each.attempt}"
        colour = "green" if each.outcome in GOOD else "yellow"
        about = each.about or f"front end {(each.contract_sha256 or '')[:SHOWN_OF_HASH]}"
        shown.add_row(
            each.at[:SHOWN_OF_TIME].replace("T", " "),
            each.what,
            f"[{colour}]{escape(printable(outcome))}[/]",
            "" if each.seconds is None else f"{each.seconds:.3f}",
            escape(printable(each.by)),
            escape(printable(about)),
        )
    if not timeline.happenings:
        shown.caption = "nothing was done to it that anyone took down"
    return shown
