"""What was done to one track, in order: attempts of the audit trail, predictions, trainings, and who became champion.

Only the attempts are written for this; the rest is read where it is kept anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.dag import read_lock
from soundatlas.history import audit
from soundatlas.history.answers import CLASSIFIED
from soundatlas.history.flips import label_of
from soundatlas.history.store import history_path, open_history
from soundatlas.lineage.subject import read_listings, read_tracks
from soundatlas.registry.database import has_registry
from soundatlas.registry.pin import name_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundatlas.history.audit import AttemptRecord
    from soundatlas.history.store import Record
    from soundatlas.lineage.subject import Subject
    from soundatlas.params import Params

BY = "trace"
SPLIT = "data/split"


@dataclass(frozen=True)
class Happening:
    """Something that was done to a track, or with it.

    Attributes:
        at: when it began; UTC, ISO 8601.
        what: "spectrogram", "features", "prediction", "training" or "champion".
        outcome: "computed", a reason code, the side in a training, or what became of a model.
        about: one phrase.
        by: a stage or command; who moved the champion.
        seconds: of wall time; None where that was not taken down.
        attempt: counts from 1 where it was tried again; None where it is no attempt.
        contract_sha256: of all that shaped it.
        model_sha256: of the model that it is about.
        run_id: of the process, or of MLflow's run.
    """

    at: str
    what: str
    outcome: str
    about: str
    by: str
    seconds: float | None = None
    attempt: int | None = None
    contract_sha256: str | None = None
    model_sha256: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Timeline:
    """A track's story.

    Attributes:
        now: where the track stands: catalogue, split, inbox; what and value.
        happenings: the first one first.
    """

    now: tuple[tuple[str, str], ...]
    happenings: tuple[Happening, ...]


def tell_timeline(root: Path, params: Params, subject: Subject) -> Timeline:
    """Return what was done to some audio, and where it stands.

    Raises:
        HistoryError: when the history is damaged.
    """
    attempts = _attempts(root, subject)
    records = _records(root, subject)
    models = {record.key.model_sha256 for record in records if record.answer.status == CLASSIFIED}
    found = list(_computations(root, attempts, records))
    if has_registry(root):
        trainings = list(_trainings(root, params, subject))
        models |= {str(each.model_sha256) for each in trainings}
        found += [*trainings, *_decisions(root, params, models)]
    return Timeline(tuple(_standing(root, subject)), tuple(sorted(found, key=lambda each: each.at)))


def _attempts(root: Path, subject: Subject) -> list[AttemptRecord]:
    if not audit.audit_path(root).is_file():
        return []
    with audit.open_audit(root, BY) as trail:
        return trail.of_audio(subject.audio_sha256)


def _records(root: Path, subject: Subject) -> list[Record]:
    if not history_path(root).is_file():
        return []
    with open_history(root) as history:
        return history.of_audio(subject.audio_sha256)


def _computations(root: Path, attempts: list[AttemptRecord], records: list[Record]) -> Iterator[Happening]:
    """Yield the attempts, those at predictions with what was said; and predictions from before there was a trail."""
    said = {(record.key.model_sha256, record.key.contract_sha256): record for record in records}
    told = set()
    for each in attempts:
        step, about = each.step, each.message or ""
        key = (str(step.model_sha256), step.contract_sha256)
        if each.outcome == audit.COMPUTED and (record := said.get(key)) is not None:
            about = _said(root, record)
            told.add(key)
        yield Happening(
            each.began_at,
            step.name,
            each.outcome,
            about,
            each.by,
            each.seconds,
            each.attempt,
            step.contract_sha256,
            step.model_sha256,
            each.run_id,
        )
    for key, record in said.items():
        if key not in told and record.answer.status == CLASSIFIED:
            yield Happening(
                record.made_at,
                audit.PREDICTION,
                audit.COMPUTED,
                _said(root, record),
                "",
                contract_sha256=record.key.contract_sha256,
                model_sha256=record.key.model_sha256,
            )


def _said(root: Path, record: Record) -> str:
    row = record.answer.row()
    heads = [key.removesuffix("_confidence") for key in row if key.endswith("_confidence")]
    labels = ", ".join(f"{head} {label_of(row, head)}" for head in heads)
    return f"{labels or record.answer.status}, says {name_model(root, record.key.model_sha256)}"


def _trainings(root: Path, params: Params, subject: Subject) -> Iterator[Happening]:
    """Yield the trainings that had the track on a side."""
    from soundatlas.registry.trained_models import trained_models

    for model in trained_models(root, params.promote.model_name):
        side = (model.sides or {}).get(subject.audio_sha256)
        if side is None:
            continue
        split = next((md5 for name, md5 in model.inputs.items() if name.startswith("split")), None)
        versions = f"version {', '.join(model.versions)}" if model.versions else "not registered"
        about = f"model {model.content_sha256[:12]} ({versions})" + (f", split {split[:12]}" if split else "")
        yield Happening(
            model.began_at,
            "training",
            f"side {side}",
            about,
            f"run {model.run_name}",
            model_sha256=model.content_sha256,
            run_id=model.run_id,
        )


def _decisions(root: Path, params: Params, models: set[str]) -> Iterator[Happening]:
    """Yield what became of the models that were trained on the track, or that heard it."""
    from soundatlas.registry.ledger_store import Ledger
    from soundatlas.registry.tracking import Tracking

    for entry in Ledger(Tracking(root).client, params.promote.model_name, root).read().entries:
        content = None if entry.subject is None else entry.subject.content_sha256
        if content in models:
            yield Happening(entry.time, "champion", str(entry.event), entry.sentence(), entry.who, model_sha256=content)


def _standing(root: Path, subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield where the track stands now, what and value."""
    yield "audio", f"sha256 {subject.audio_sha256}"
    tracks, listing = read_tracks(root), read_listings(root)
    for row in tracks[tracks["audio_sha256"] == subject.audio_sha256].to_dict("records"):
        yield "catalogue", f"{row['track_id']}: {row['path']}"
    for row in listing[listing["audio_sha256"] == subject.audio_sha256].to_dict("records"):
        yield "inbox", str(row["path"])
    path = root / SPLIT / "split.parquet"
    if path.is_file():
        split = pd.read_parquet(path)
        md5 = read_lock(root).get(SPLIT)
        for row in split[split["audio_sha256"] == subject.audio_sha256].to_dict("records"):
            yield "split", f"side {row['side']}, group {row['group']}" + (f", split {md5[:12]}" if md5 else "")


def as_json(timeline: Timeline) -> dict[str, Any]:
    """Return it as JSON-like values."""
    return {"now": [list(each) for each in timeline.now], "happenings": [vars(each) for each in timeline.happenings]}
