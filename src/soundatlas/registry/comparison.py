"""The versions of a model side by side, and the same figures on MLflow's own page that compares versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.time import get_current_time_millis

from soundatlas.registry.contract import files_of
from soundatlas.registry.gate_report import read_report
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.succession import GATE_TAG, REASON_TAG, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from soundatlas.registry.promotion import ModelRegistry

MEGABYTE = 1_000_000
SIZE_TAG, TIME_TAG, DATA_TAG = "bundle_megabytes", "ms_per_clip", "data_sha256"
HASH_CHARACTERS = 12


@dataclass(frozen=True)
class VersionRow:
    """A version as the comparison shows it; None or empty where nobody knows.

    Attributes:
        version: number in the registry.
        content_sha256: identity of the bundle.
        is_champion: whether the alias points to it.
        decision: of the gate, and `reason` its sentence.
        champion_since: when it last became champion, and `champion_because` why.
        scores: head -> macro F1, its interval and the ECE: `macro_f1`, `macro_f1_low`, `macro_f1_high`, `ece`.
        data_sha256: of the split that it was trained on, which names every track by its content.
        params: of the training, by dotted name.
        megabytes: of the bundle.
        milliseconds: per clip, as the gate measured it.
        run_id: of its training.
    """

    version: str
    content_sha256: str | None
    is_champion: bool
    decision: str | None
    reason: str | None
    champion_since: str | None
    champion_because: str | None
    scores: dict[str, dict[str, float]]
    data_sha256: str | None
    params: dict[str, str]
    megabytes: float | None
    milliseconds: float | None
    run_id: str


def compare_versions(registry: ModelRegistry) -> list[VersionRow]:
    """Return all versions of a model, the newest first."""
    champion = registry.version_of_alias()
    moves = [
        entry for entry in Ledger(registry.client, registry.name, registry.tracking.root).read().entries if entry.moved
    ]
    rows = []
    for version in sorted(registry.versions(), key=lambda each: -int(each.version)):
        run = _run(registry, version.run_id)
        number = str(version.version)
        became = [entry for entry in moves if entry.after == named(version)]  # a number may be given away again
        rows.append(
            VersionRow(
                version=number,
                content_sha256=version.tags.get("content_sha256"),
                is_champion=champion is not None and str(champion.version) == number,
                decision=version.tags.get(GATE_TAG),
                reason=version.tags.get(REASON_TAG),
                champion_since=became[-1].time if became else None,
                champion_because=f"{became[-1].event}: {became[-1].why}" if became else None,
                scores={} if run is None else _scores(run),
                data_sha256=version.tags.get(DATA_TAG) or _data_of(run),
                params={} if run is None else dict(run.data.params),
                megabytes=_number(version.tags.get(SIZE_TAG)),
                milliseconds=_number(version.tags.get(TIME_TAG)),
                run_id=str(version.run_id),
            )
        )
    return rows


def differing_params(rows: Sequence[VersionRow]) -> list[str]:
    """Return the names of the parameters that are not the same in all versions whose runs are there."""
    known = [row.params for row in rows if row.params]
    names = sorted({name for params in known for name in params})
    return [name for name in names if len({params.get(name) for params in known}) > 1]


def describe_version(registry: ModelRegistry, version: ModelVersion, heads: Sequence[str]) -> None:
    """Put what the comparison shows into MLflow: tags of the version, and metrics of its run for MLflow's own page.

    Args:
        registry: that holds it.
        version: of the model in `data/model/`, after it was judged; one that has its tags is left alone.
        heads: whose scores become tags.
    """
    run = _run(registry, version.run_id)
    if run is None or DATA_TAG in version.tags:
        return
    folder = registry.tracking.root / "data/model"
    figures = {SIZE_TAG: sum((folder / name).stat().st_size for name in files_of(folder)) / MEGABYTE}
    report = read_report(registry.client, version)
    if report is not None and report["figures"].get("clip_milliseconds") is not None:
        figures[TIME_TAG] = report["figures"]["clip_milliseconds"]
    gains = {f"gate.{name}": value for name, value in _gains(report).items()}
    when = get_current_time_millis()
    metrics = [Metric(name, value, when, 0) for name, value in (figures | gains).items()]
    registry.client.log_batch(version.run_id, metrics=metrics)
    tags = {name: f"{value:.3g}" for name, value in figures.items()} | {DATA_TAG: _data_of(run)}
    for head in heads:
        if head in (scores := _scores(run)):
            tags[f"macro_f1_{head}"] = interval_text(scores[head])
    for name, text in sorted(tags.items(), key=lambda tag: tag[0] == DATA_TAG):  # last: the sign that all are there
        if text is not None:
            registry.client.set_model_version_tag(registry.name, str(version.version), name, text)


def interval_text(scores: dict[str, float]) -> str:
    """Return a score with its interval, e.g. `0.44 [0.32, 0.57]`."""
    low, high = scores.get("macro_f1_low"), scores.get("macro_f1_high")
    between = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
    return f"{scores['macro_f1']:.2f}{between}"


def _gains(report: dict[str, Any] | None) -> dict[str, float]:
    figures = {} if report is None else report["figures"]
    return {name: figures[name] for name in ("gain", "gain_low", "gain_high") if figures.get(name) is not None}


def _run(registry: ModelRegistry, run_id: str) -> Run | None:
    """Return a run, or None where it was deleted for good."""
    try:
        return registry.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def _scores(run: Run) -> dict[str, dict[str, float]]:
    """Return head -> its figures, of the metrics `classes.<head>.<figure>`."""
    scores: dict[str, dict[str, float]] = {}
    for name, value in run.data.metrics.items():
        kind, _, rest = name.partition(".")
        head, _, figure = rest.rpartition(".")
        if kind == "classes" and figure in {"macro_f1", "macro_f1_low", "macro_f1_high", "ece"}:
            scores.setdefault(head, {})[figure] = value
    return {head: figures for head, figures in sorted(scores.items()) if "macro_f1" in figures}


def _data_of(run: Run | None) -> str | None:
    """Return the start of the hash of the split that a run was trained on."""
    if run is None or not run.inputs.dataset_inputs:
        return None
    return str(run.inputs.dataset_inputs[0].dataset.digest)[:HASH_CHARACTERS]


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
