"""`soundatlas make`: what one track lacks, and nothing else; with --ping, what that would be."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.markup import escape
from rich.table import Table

from soundatlas.chain.wanted import Wanted
from soundatlas.commands.classify import prediction_table
from soundatlas.commands.terminal import printable, wide_console
from soundatlas.dag import ALWAYS, OWN_OUTPUT
from soundatlas.errors import TrackError, UsageError
from soundatlas.files import project_root
from soundatlas.history.answers import CLASSIFIED, EMBEDDING
from soundatlas.lineage.subject import find_subject, read_listings, read_tracks
from soundatlas.params import load_params
from soundatlas.sources.deny_list import read_entries
from soundatlas.sources.inbox import list_files
from soundatlas.workspace import holding_lock

if TYPE_CHECKING:
    from soundatlas.chain.making import Made
    from soundatlas.chain.plan import Planned
    from soundatlas.chain.states import Chain, Track
    from soundatlas.chain.survey import StepCount
    from soundatlas.dag import Stage
    from soundatlas.history.answers import Answer
    from soundatlas.lineage.subject import Subject
    from soundatlas.params import Params

WAITING = "another run is at work in this project: waiting for it"
COLOURS = {"present": "green", "missing": "red", "stale": "yellow", "not needed": "dim"}
SHOWN_NUMBERS = 4  # of an embedding
MOST_REASONS = 3  # of a stage, in the table


def make_track(what: str, *, wanted: Wanted, force: bool, as_json: bool) -> None:
    """Make what a track lacks of what is wanted, and print what was made and what came of it.

    Args:
        what: see `find_subject`, by part.
        wanted: where the walk back begins.
        force: make again what is there, and say whether it came out the same.
        as_json: print everything as JSON.

    Raises:
        UsageError: when nothing of that name is known, or it has no place in the store.
        NotReadyError: when there is no champion to predict.
        TrackError: when the track cannot be used.
    """
    from soundatlas.chain.making import make_steps
    from soundatlas.chain.states import Chain

    root = project_root()
    subject, chain = _find(root, what, wanted)
    with holding_lock(root, _say_waiting):
        planned = _plan(chain, wanted, force=force)
        made = {each.step: each for each in make_steps(chain, planned)}
        after = Chain(root, chain.params, chain.track)
        answer = None if wanted == Wanted.SPECTROGRAM else after.answer
    if as_json:
        told = {**_about(subject, planned, made), "answer": None if answer is None else answer.row()}
        print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
    else:
        console = wide_console()
        console.print(made_table(subject.name, planned, made))
        if answer is not None and answer.status == CLASSIFIED:
            _print_answer(subject.name, chain, answer, wanted)
        if any(each.same is not True for step, each in made.items() if step != Wanted.PREDICTION):
            console.print("The next `dvc repro` takes it up, and computes none of it again.", highlight=False)
    if answer is not None and answer.status != CLASSIFIED:
        raise TrackError(answer.status, answer.message or "")


def ping_track(what: str, *, wanted: Wanted, force: bool, as_json: bool) -> None:
    """Print what `make_track` would make of a track, and why; arguments and faults as there."""
    subject, chain = _find(project_root(), what, wanted)
    planned = _plan(chain, wanted, force=force)
    if as_json:
        print(json.dumps(_about(subject, planned, {}), ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
    else:
        wide_console().print(ping_table(subject.name, planned))


def ping_all(*, as_json: bool) -> None:
    """Print how far all tracks have come, and which stages `dvc repro` would run, and why.

    Raises:
        NotReadyError: when there is no catalogue yet.
        SoundatlasError: when DVC cannot read the project, or is at work in it.
    """
    from soundatlas.chain.survey import survey_tracks
    from soundatlas.dag import read_changes, read_stages

    root = project_root()
    counts = survey_tracks(root, load_params(root / "params.yaml"), read_listings(root))
    stages, changes = read_stages(root), read_changes(root)
    if as_json:
        told = {"steps": [asdict(count) for count in counts], "stages": stage_reasons(stages, changes)}
        print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    console = wide_console()
    console.print(count_table(counts))
    console.print(stage_table(stage_reasons(stages, changes)))


def _find(root: Path, what: str, wanted: Wanted) -> tuple[Subject, Chain]:
    """Find the track that is meant, and begin its chain."""
    from soundatlas.chain.states import Chain

    subject = find_subject(root, what, by_part=True)
    if any(row["audio_sha256"] == subject.audio_sha256 for row in read_entries(root)):
        raise UsageError(printable(f"{subject.name} was forgotten: nothing is made of it"))
    params, track = load_params(root / "params.yaml"), _track(root, subject, what)
    if not subject.paths and track.paths:
        subject = replace(subject, name=Path(what).name)
        _refuse_unreadable(Path(track.paths[0]), params)
    if wanted == Wanted.SPECTROGRAM and not track.catalogued:
        raise UsageError(
            printable(f"{subject.name} is not in the catalogue, whose spectrograms alone are stored")
            + ": see `soundatlas spectrograms` for loose audio"
        )
    return subject, Chain(root, params, track)


def _refuse_unreadable(path: Path, params: Params) -> None:
    """Hold a loose file to the limits of any inbox.

    Raises:
        TrackError: when it is beyond one.
    """
    listed = list_files([path], path.parent, max_file_megabytes=params.ingest.max_file_megabytes).iloc[0]
    if pd.notna(listed["reason"]):
        raise TrackError(str(listed["reason"]), str(listed["message"]))


def _track(root: Path, subject: Subject, what: str) -> Track:
    from soundatlas.chain.states import Track

    loose = (str(Path(what).resolve()),) if Path(what).is_file() else ()
    catalogued = bool(read_tracks(root)["audio_sha256"].eq(subject.audio_sha256).any())
    return Track(subject.audio_sha256, (*subject.paths, *loose), catalogued)


def _plan(chain: Chain, wanted: Wanted, *, force: bool) -> list[Planned]:
    from soundatlas.chain.plan import plan_steps

    return plan_steps(chain, wanted, force=force)


def _about(subject: Subject, planned: list[Planned], made: dict[str, Made]) -> dict[str, Any]:
    steps = [
        {
            **asdict(each.found),
            "runs": each.runs,
            "does": each.does,
            "made": asdict(made[each.found.step]) if each.found.step in made else None,
        }
        for each in planned
    ]
    return {"name": subject.name, "audio_sha256": subject.audio_sha256, "steps": steps}


def _print_answer(name: str, chain: Chain, answer: Answer, wanted: Wanted) -> None:
    if chain.model is None:
        return
    if wanted == Wanted.EMBEDDING:
        vector = answer.row()[EMBEDDING]
        shown = ", ".join(f"{number:.4f}" for number in vector[:SHOWN_NUMBERS])
        wide_console().print(f"embedding: {len(vector)} numbers: {shown}, ...; --json prints all", highlight=False)
        return
    champion, heads = chain.model.champion, [*chain.model.contract.space.classes]
    table = pd.DataFrame([{"path": name, **answer.row()}])
    wide_console().print(prediction_table(table, heads, f"{champion.name} version {champion.version}"))


def ping_table(title: str, planned: list[Planned]) -> Table:
    """Return the steps for a terminal: what is there, why, and what would be done."""
    shown = Table(title=escape(printable(f"{title}: what `soundatlas make` would do")), title_justify="left")
    for column in ("step", "state", "why", "would run"):
        shown.add_column(column, overflow="fold")
    for each in planned:
        does = f"[bold]{escape(each.does)}[/]" if each.runs else f"[dim]{escape(each.does)}[/]"
        shown.add_row(each.found.step, _coloured(each.found.state), escape(printable(each.found.why)), does)
    return shown


def made_table(title: str, planned: list[Planned], made: dict[str, Made]) -> Table:
    """Return the steps for a terminal: what was made, how long it took, and whether it came out as before."""
    shown = Table(title=escape(printable(title)), title_justify="left")
    for column in ("step", "outcome", "seconds", "about"):
        shown.add_column(column, overflow="fold", justify="right" if column == "seconds" else "left")
    for each in planned:
        done = made.get(each.found.step)
        if done is None:
            outcome = "kept" if each.found.state == "present" else str(each.found.state)
            shown.add_row(each.found.step, f"[dim]{outcome}[/]", "", f"[dim]{escape(printable(each.found.why))}[/]")
        else:
            again = {None: "made", True: "made again: the same bytes", False: "[yellow]made again: other bytes[/]"}
            shown.add_row(each.found.step, again[done.same], f"{done.seconds:.2f}", escape(printable(done.about)))
    return shown


def count_table(counts: list[StepCount]) -> Table:
    """Return how far all tracks have come, for a terminal."""
    shown = Table(title="Tracks", title_justify="left")
    shown.add_column("step")
    for column in ("present", "missing", "stale", "failed before"):
        shown.add_column(column, justify="right")
    shown.add_column("made by", overflow="fold")
    for count in counts:
        numbers = {"present": count.present, "missing": count.missing, "stale": count.stale}
        cells = [f"[{COLOURS[name]}]{number}[/]" if number else "0" for name, number in numbers.items()]
        shown.add_row(count.step, *cells, str(count.failed), escape(printable(count.about)))
    return shown


def stage_reasons(stages: tuple[Stage, ...], changes: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return for each stage whether `dvc repro` would run it ("yes", "always", "perhaps", "no"), and why.

    Args:
        stages: in order.
        changes: stage -> what has changed, by `dag.read_changes`.
    """
    told: list[dict[str, Any]] = []
    made_anew: set[str] = set()  # outs of stages that run: whether they are changed then is not known yet
    for stage in stages:
        why = [reason for reason in changes.get(stage.name, []) if reason != ALWAYS]
        before = [other["stage"] for other in told if other["stage"] in stage.upstream and other["runs"] == "yes"]
        made_anew |= {reason.removesuffix(OWN_OUTPUT) for reason in why if reason.endswith(OWN_OUTPUT)}
        if why and set(why) <= made_anew:
            runs, why = "perhaps", [f"if {before[-1]} leaves {why[0]}"]
        elif why:
            runs = "yes"
        elif stage.always_changed:
            runs, why = "always", ["it looks at something that DVC cannot hash"]
        elif before:
            runs, why = "perhaps", [f"if {before[-1]} changes what it reads"]
        else:
            runs = "no"
        told.append({"stage": stage.name, "runs": runs, "why": why})
    return told


def stage_table(told: list[dict[str, Any]]) -> Table:
    """Return which stages would run, for a terminal."""
    colours = {"yes": "yellow", "perhaps": "yellow", "always": "dim", "no": "green"}
    shown = Table(title="Stages", title_justify="left")
    for column in ("stage", "would run", "why"):
        shown.add_column(column, overflow="fold")
    for each in told:
        why = each["why"][:MOST_REASONS]
        more = [f"and {len(each['why']) - MOST_REASONS} more"] if len(each["why"]) > MOST_REASONS else []
        reasons = escape(printable("; ".join([*why, *more])))
        shown.add_row(each["stage"], f"[{colours[each['runs']]}]{each['runs']}[/]", reasons)
    return shown


def _coloured(state: str) -> str:
    return f"[{COLOURS[state]}]{state}[/]"


def _say_waiting() -> None:
    print(WAITING, file=sys.stderr)  # noqa: T201 - why nothing happens yet
