"""`soundatlas forget`: a track leaves the project, and what cannot be reached is named."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from soundatlas.commands.lineage import describe_model
from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import UsageError
from soundatlas.files import project_root
from soundatlas.lineage.subject import find_subject
from soundatlas.params import load_params
from soundatlas.sources.deny_list import DENY_LIST

if TYPE_CHECKING:
    from soundatlas.lineage.forgetting import Plan

BYTES_PER_MEGABYTE = 1_000_000
MOST_LINES = 40


def forget_track(what: str, *, reason: str, dry_run: bool, confirmed: bool, purge_remotes: bool, as_json: bool) -> None:
    """Show what forgetting a track means, ask, do it, and say what is left.

    Args:
        what: see `find_subject`.
        reason: for the deny-list.
        dry_run: only show it.
        confirmed: do not ask.
        purge_remotes: remove the objects from the project's DVC remotes too.
        as_json: print plan and outcome as JSON.

    Raises:
        UsageError: when nothing of that name is known, or nobody is there to be asked.
    """
    from soundatlas.lineage.forgetting import forget, plan_forgetting
    from soundatlas.lineage.impact import trace_impact

    root = project_root()
    subject = find_subject(root, what)
    plan = plan_forgetting(root, subject, reason)
    impact = trace_impact(root, load_params(root / "params.yaml"), plan.subject)
    if not as_json:
        _print(plan_lines(plan, impact))
    if not dry_run:
        _ask(confirmed=confirmed, as_json=as_json)
        purged = forget(root, plan, purge_remotes=purge_remotes)
        if not as_json:
            _print(closing_lines(plan, purged))
    if as_json:
        told = {**plan.as_json(), "forgotten": not dry_run, "remotes_purged": purge_remotes and not dry_run}
        models = {"models": impact["models"], "models_that_do_not_say": impact["models_that_do_not_say"]}
        print(json.dumps({**told, **models}, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output


def _ask(*, confirmed: bool, as_json: bool) -> None:
    """Go on only when somebody has said yes.

    Raises:
        UsageError: when nobody can be asked.
        typer.Exit: when the answer is no.
    """
    if confirmed:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError("nothing was forgotten: look at it with --dry-run, and confirm with --yes")
    if not typer.confirm("Forget it? This cannot be undone"):
        raise typer.Exit(1)


def plan_lines(plan: Plan, impact: dict[str, Any]) -> list[str]:
    """Return what is done, what stays, and why."""
    subject = plan.subject
    lines = [f"Forget {subject.name}, sha256 {subject.audio_sha256}", f"  put it on the deny-list {DENY_LIST}"]
    lines += [f"  {words}" for words, _ in plan.steps[:MOST_LINES]]
    if len(plan.steps) > MOST_LINES:
        lines.append(f"  and {len(plan.steps) - MOST_LINES} more; --json lists them all")
    if plan.cached:
        megabytes = plan.cached_bytes / BYTES_PER_MEGABYTE
        lines.append(
            f"  purge {len(plan.cached)} objects ({megabytes:.1f} MB) from DVC's cache; most hold other tracks too: "
            "earlier versions of those outs are computed anew, not restored"
        )
    stays = [f"your own file {path}: it is never listed again" for path in plan.own_files]
    stays += [
        f"DVC remote {name} ({address}): --remotes purges it, or remove files/md5/{oid[:2]}/{oid[2:]} there"
        for name, address in plan.remotes.items()
        for oid in plan.cached[:MOST_LINES]
    ]
    stays += [f"a model that was trained on it: {describe_model(model)}" for model in impact["models"]]
    stays += [f"a model that may hold it: {describe_model(model)}" for model in impact["models_that_do_not_say"]]
    stays += [f"a file in MLflow: {path}" for path in plan.artifacts]
    stays += [f"the same recording in other bytes: forget {track_id} too" for track_id in plan.same_recording]
    stays.append("names of files in Prefect's artifacts of earlier runs, and other clones of this project")
    return [*lines, "This stays:", *[f"  {line}" for line in stays]]


def closing_lines(plan: Plan, purged: dict[str, int]) -> list[str]:
    """Return what was done and what is left to do."""
    lines = [f"Forgotten: {plan.subject.name}"]
    lines += [f"  {count} objects purged from the remote {name}" for name, count in purged.items()]
    return [*lines, f"Next: commit {DENY_LIST}, and run `dvc repro`, which trains a model without it"]


def _print(lines: list[str]) -> None:
    console = wide_console()
    for line in lines:
        console.print(escape(printable(line)), highlight=False, soft_wrap=True)
