"""What stage `evaluate` looks at beyond the scores of one training: embedding, unknown classes, luck and leakage."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.audio.beats import tracked_tempo
from soundatlas.audio.features import mfcc_statistics
from soundatlas.files import audio_path, read_json
from soundatlas.learning import score
from soundatlas.learning.beat import TEMPO
from soundatlas.learning.repeats import GROUPED, summarise
from soundatlas.learning.retrieval import NEAREST, average_precisions
from soundatlas.learning.split import work_keys
from soundatlas.learning.years import DECADE, YEAR, expected_years
from soundatlas.progress import progress
from soundatlas.tables import INBOX, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.learning.evaluation import Predictions
    from soundatlas.learning.inputs import Inputs
    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import EvaluateParams
    from soundatlas.registry.bundle import Bundle, TrackPrediction

MOST_GALLERY_TRACKS = 5_000  # training tracks among which neighbours are sought; enough for a stable figure
GALLERY_SEED = 0
LEAST_UNKNOWN_GROUPS = 5  # of fewer, many a resample has none
WITHHELD = score.Interval(math.nan, math.nan, math.nan)


def classified(bundle: Bundle, inputs: Inputs, tracks: pd.DataFrame, description: str) -> list[TrackPrediction]:
    """Classify tracks of the catalogue from what was computed for them, with a progress bar."""
    rows = []
    with progress(description, len(tracks)) as advance:
        for sha in tracks["audio_sha256"]:
            rows.append(bundle.classify_stored(inputs, sha))
            advance()
    return rows


def retrieval(
    bundle: Bundle,
    inputs: Inputs,
    train: pd.DataFrame,
    test: pd.DataFrame,
    predictions: list[TrackPrediction],
    params: EvaluateParams,
) -> dict[str, dict[str, float]]:
    """Return how well test tracks find training tracks of their class: head -> mAP@10, beside MFCC statistics.

    Args:
        bundle: the model.
        inputs: what it hears.
        train: the training tracks, the gallery.
        test: the test tracks, the queries; the split sees to it that none shares its work with the gallery.
        predictions: of the test tracks.
        params: section `evaluate`.
    """
    gallery = train.sample(min(len(train), MOST_GALLERY_TRACKS), random_state=GALLERY_SEED).sort_index()
    offered = np.stack([row.embedding for row in classified(bundle, inputs, gallery, "embedding the training tracks")])
    queries = np.stack([row.embedding for row in predictions])
    level, spread, plain = _mfcc(inputs, gallery)
    peers = (_mfcc(inputs, test)[2] - level) / spread
    figures: dict[str, dict[str, float]] = {}
    wanted, there = bundle.space.class_targets(test), bundle.space.class_targets(gallery)
    for head in bundle.space.classes:
        ours = average_precisions(queries, wanted[head], offered, there[head])
        theirs = average_precisions(peers, wanted[head], (plain - level) / spread, there[head])
        known = np.isfinite(ours)
        if not known.any():
            continue
        samples = score.resamples(test["group"].to_numpy()[known], params.bootstrap_resamples)
        for name, values in (("map_at_10", ours[known]), ("mfcc_map_at_10", theirs[known])):
            found = score.interval(partial(_mean, values), samples, len(values), params.confidence)
            figures.setdefault(head, {"queries": float(known.sum()), "nearest": float(NEAREST)}).update(
                {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
            )
    return figures


def _mean(values: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
    return float(values[rows].mean())


def _mfcc(inputs: Inputs, tracks: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rows = np.stack([mfcc_statistics(inputs.store.log_mel(sha)) for sha in tracks["audio_sha256"]])
    return rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6), rows


def years(
    train: pd.DataFrame, test: pd.DataFrame, space: LabelSpace, model: Predictions, params: EvaluateParams
) -> dict[str, float]:
    """Return how near to the year its decades' probabilities lead, against the mean year of the training tracks.

    Args:
        train: the training tracks.
        test: the test tracks.
        space: of the model.
        model: its predictions for the test tracks.
        params: section `evaluate`.

    Returns:
        as `score.attribute_scores`; empty where no decade was learnt, or no year is known.
    """
    said = expected_years(space.classes[DECADE], model.probabilities[DECADE]) if DECADE in space.classes else None
    truth = test[YEAR].to_numpy(np.float64)
    known = np.isfinite(truth)
    if said is None or not known.any() or train[YEAR].isna().all():
        return {}
    samples = score.resamples(test["group"].to_numpy()[known], params.bootstrap_resamples)
    return score.attribute_scores(truth[known], said[known], float(train[YEAR].mean()), samples, params.confidence)


def beats(
    root: Path, test: pd.DataFrame, predictions: list[TrackPrediction], max_seconds: float, params: EvaluateParams
) -> dict[str, float]:
    """Return how often the beat is right, ours and that of librosa's beat tracker, on test tracks whose tempo is known.

    Args:
        root: of the project.
        test: the test tracks.
        predictions: of the test tracks.
        max_seconds: of a longer track, what librosa hears; the model hears no more either.
        params: section `evaluate`.

    Returns:
        per rival the share within 4 %, and the share that is so when an answer two or three times off counts as right,
        each with its interval; nothing where the model picks no beat or no tempo is known.
    """
    truth = test[TEMPO].to_numpy(np.float64) if TEMPO in test else np.full(len(test), np.nan)
    known = np.isfinite(truth) & np.array([row.beat_bpm is not None for row in predictions])
    if not known.any():
        return {}
    tracked = np.full(len(test), np.nan)
    with progress("librosa tracks the beats", int(known.sum())) as advance:
        for position in np.flatnonzero(known):
            tracked[position] = tracked_tempo(audio_path(root, test["path"].iloc[position]), max_seconds=max_seconds)
            advance()
    picked = np.array([row.beat_bpm or np.nan for row in predictions], dtype=np.float64)
    samples = score.resamples(test["group"].to_numpy()[known], params.bootstrap_resamples)
    figures = {"tracks": float(known.sum())}
    for rival, guess in (("", picked), ("librosa_", tracked)):
        for octaves in (False, True):
            name = f"{rival}within_4_percent{'_or_octave' if octaves else ''}"
            hits = score.tempo_hits(truth[known], guess[known], octaves=octaves).astype(np.float64)
            found = score.interval(partial(_mean, hits), samples, len(hits), params.confidence)
            figures |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return figures


def unknowns(
    root: Path, bundle: Bundle, test: pd.DataFrame, predictions: list[TrackPrediction], params: EvaluateParams
) -> dict[str, dict[str, float]]:
    """Return how well classes that were never heard are told from known ones: head -> AUROC and rates.

    Beside the AUROC of the knownness stands that of the confidence alone, which is what most classifiers would use.

    Unknown are test tracks whose class no training track has, and new music whose class a source knows. Where these are
    too few groups, there is no AUROC: an interval would leave out how much it depends on which ones they are.
    """
    open_set = bundle.contract.open_set
    if open_set is None:
        return {}
    head, names = open_set.head, set(bundle.space.classes[open_set.head])
    judged = zip(predictions, test[head], test["group"], strict=True)
    labelled = [(row, label, group) for row, label, group in judged if isinstance(label, str)]
    inbox = read_table(root / "data/catalog/inbox.parquet", INBOX)
    if head in inbox:
        strangers = inbox[inbox["reason"].isna() & inbox[head].notna() & ~inbox[head].isin(names)]
        named = strangers.reindex(columns=["artist", "title"])
        works = work_keys(named["artist"], named["title"], "audio:" + strangers["audio_sha256"])
        labelled += [
            (bundle.classify_file(audio_path(root, path)), label, work)
            for path, label, work in zip(strangers["path"], strangers[head], works, strict=True)
        ]
    known = np.array([label in names for _, label, _ in labelled])
    if not known.any() or known.all():
        return {}
    knownness = np.array([row.known[head][0] for row, _, _ in labelled])
    confidence = np.array([max(row.probabilities[head].values()) for row, _, _ in labelled])
    groups = np.array([group for _, _, group in labelled])
    unknown_groups = len(np.unique(groups[~known]))

    samples = score.resamples(groups, params.bootstrap_resamples)
    figures: dict[str, float] = {}
    for name, scores in (("auroc", knownness), ("confidence_auroc", confidence)):
        enough = unknown_groups >= LEAST_UNKNOWN_GROUPS
        found = score.auroc(known, scores, samples, params.confidence) if enough else WITHHELD
        figures |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    passed = knownness >= open_set.threshold
    return {
        head: {
            **figures,
            "known_tracks": float(known.sum()),
            "unknown_tracks": float((~known).sum()),
            "unknown_groups": float(unknown_groups),
            "known_accepted": float(passed[known].mean()),
            "unknown_rejected": float((~passed[~known]).mean()),
        }
    }


def luck(
    root: Path,
    bundle: Bundle,
    seed: int,
    test: pd.DataFrame,
    predictions: list[TrackPrediction],
    params: EvaluateParams,
) -> dict[str, dict[str, Any]]:
    """Return the scores over seeds and splits: this training's test tracks, and those of stage `repeats`."""
    heads = [*bundle.space.classes]
    rows = pd.DataFrame([prediction.row() for prediction in predictions])[heads]
    truths = {f"{head}_truth": test[head].where(test[head].isin(bundle.space.classes[head])) for head in heads}
    own = rows.assign(track_id=test["track_id"], group=test["group"], split=GROUPED, seed=seed, **truths)
    folder = root / "data/repeats"
    parts = [own, *(pd.read_parquet(folder / name) for name in sorted(read_json(folder / "repeats.json")))]
    return summarise(
        pd.concat(parts, ignore_index=True),
        heads,
        resample_count=params.bootstrap_resamples,
        confidence=params.confidence,
    )
