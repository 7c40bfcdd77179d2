"""`soundatlas explain` and `soundatlas impact`: a prediction's ancestors, and what became of a track."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.files import project_root
from soundatlas.lineage.subject import find_subject
from soundatlas.params import load_params
from soundatlas.registry.pin import name_model

if TYPE_CHECKING:
    from pathlib import Path

SHOWN_OF_HASH = 12


def explain_track(what: str, *, as_json: bool) -> None:
    """Print what a track's prediction goes back to.

    Raises:
        UsageError: when nothing of that name is known.
    """
    from soundatlas.lineage.ancestry import trace_ancestry

    root = project_root()
    subject = find_subject(root, what)
    told = trace_ancestry(root, load_params(root / "params.yaml"), subject)
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2, default=str))  # noqa: T201 - the command's output
    else:
        wide_console().print(_grid(subject.name, ancestry_lines(told)))


def show_impact(what: str, *, as_json: bool) -> None:
    """Print what was made of a track.

    Raises:
        UsageError: when nothing of that name is known.
    """
    from soundatlas.lineage.impact import trace_impact

    root = project_root()
    subject = find_subject(root, what)
    told = trace_impact(root, load_params(root / "params.yaml"), subject)
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
    else:
        wide_console().print(_grid(subject.name, impact_lines(root, told)))


def ancestry_lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what and value, line by line, from the prediction back to the bytes."""
    lines = []
    for found in told["predictions"]:
        lines += _prediction_lines(found)
    if not told["predictions"]:
        why = "in no table: it is neither in the inbox nor on the test side; `soundatlas trace` has the map's"
        lines.append(("prediction", why))
    if (validation := told["validation"]) is not None:
        offends = "; ".join(f"{each['severity']}: {each['expectation']}" for each in validation["offends"])
        verdict = "passed" if validation["passed"] else "did not pass"
        about = f"this track offends {offends or 'no rule'}" if told["catalogue"] else "this file is not in it"
        lines.append(("validation", f"the catalogue {verdict}; {about}"))
    for track in told["catalogue"]:
        lines += _track_lines(track)
    lines += [("inbox", f"{row['path']}, {row['size_bytes']} bytes") for row in told["inbox"]]
    lines.append(("audio", f"sha256 {told['audio_sha256']}"))
    lines.append(("project now", f"git commit {told['now']['git_commit'] or 'none'}"))
    lines += [("  dvc.lock", f"{path} {md5}") for path, md5 in told["now"]["dvc_lock"].items()]
    return lines


def _prediction_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    said = found["prediction"]
    heads = [key.removesuffix("_confidence") for key in said if key.endswith("_confidence")]
    labels = [f"{head} {said[head]} {said[f'{head}_confidence']:.0%}" for head in heads if head in said]
    status = said.get("status", "classified")
    made = f", made {found['made_at']}" if found["made_at"] else ""
    lines = [(found["of"], (", ".join(labels) or f"{status}: {said.get('message', '')}") + made)]
    if (model := found["model"]) is None:
        return [*lines, ("  model", f"{said.get('model_sha256', 'unknown')}: MLflow has no run of it")]
    versions = ", ".join(model["versions"]) or "none"
    aliases = f" ({', '.join(model['aliases'])})" if model["aliases"] else ""
    heard = model["heard_this_track_in"]
    return [
        *lines,
        ("  model", f"version {versions}{aliases}, content {model['content_sha256'][:SHOWN_OF_HASH]}"),
        ("  trained on it", heard or "no"),
        ("  MLflow run", f"{model['mlflow_run_name']} ({model['mlflow_run']})"),
        ("  git commit", model["git_commit"] or "none"),
        *[("  its dvc.lock", f"{out} {md5}") for out, md5 in sorted(model["dvc_lock"].items())],
    ]


def _track_lines(track: dict[str, Any]) -> list[tuple[str, str]]:
    row = track["row"]
    lines = [
        ("catalogue", f"{row['track_id']}: {row['path']}"),
        ("  source", f"{row['source']}: {row['source_id']}"),
        ("  licence", f"{row['licence']}; machine learning: {row['ml_use']}"),
    ]
    if track["split"] is not None:
        lines.append(("  side", f"{track['split']['side']}, group {track['split']['group']}"))
    labels = [f"{each['label']} {each['value']} ({each['provenance']})" for each in track["labels"]]
    return [*lines, ("  labels", ", ".join(labels))]


def impact_lines(root: Path, told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what and value, line by line: models first, then predictions."""
    lines = [("audio", f"sha256 {told['audio_sha256']}")]
    lines += [("track", track_id) for track_id in told["track_ids"]]
    lines += [("file", path) for path in told["paths"]]
    for model in told["models"]:
        lines.append((f"model ({model['side']})", describe_model(model)))
    if not told["models"]:
        lines.append(("model", "none was trained on it"))
    lines += [("does not say", describe_model(model)) for model in told["models_that_do_not_say"]]
    for each in told["predictions"]:
        labels = ", ".join(f"{head} {label}" for head, label in each["labels"].items()) or each["status"]
        lines.append(("prediction", f"{labels}, by {name_model(root, each['model_sha256'])}, {each['made_at']}"))
    if not told["predictions"]:
        lines.append(("prediction", "none in the history"))
    return lines


def describe_model(model: dict[str, Any]) -> str:
    """Return what to call a trained model: its versions, and its run in MLflow."""
    versions = f"version {', '.join(model['versions'])}" if model["versions"] else "not registered"
    aliases = f" ({', '.join(model['aliases'])})" if model["aliases"] else ""
    deleted = ", deleted" if model["deleted"] else ""
    run = f"MLflow run {model['mlflow_run_name']} ({model['mlflow_run']}{deleted})"
    return f"{versions}{aliases}, content {model['content_sha256'][:SHOWN_OF_HASH]}, {run}"


def _grid(title: str, lines: list[tuple[str, str]]) -> Table:
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.title, shown.title_justify = escape(printable(title)), "left"
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in lines:
        shown.add_row(escape(name), escape(printable(value)))
    return shown
