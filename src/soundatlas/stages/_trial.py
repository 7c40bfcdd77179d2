"""The trial of a challenger in stage `promote`: both models hear the same test tracks, and the gate decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import DataRefusedError, OutdatedBundleError, SoundatlasError
from soundatlas.files import audio_path
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.gate import Answers, judge_against, judge_first
from soundatlas.registry.stopwatch import clip_milliseconds
from soundatlas.registry.trained_models import in_heard_groups, tracks_heard
from soundatlas.stages._inputs import load_sides, open_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from soundatlas.learning.inputs import Inputs
    from soundatlas.params import Params
    from soundatlas.registry.bundle import TrackPrediction
    from soundatlas.registry.gate import Verdict
    from soundatlas.registry.pin import Champion
    from soundatlas.registry.promotion import ModelRegistry

TIMED_CLIPS = 15
LEAST_GROUPS = 5  # of test tracks; with fewer, an interval over groups says nothing
EVALUATED = "data/evaluation/predictions.parquet"


def try_challenger(root: Path, params: Params, registry: ModelRegistry, champion: Champion | None) -> Verdict:
    """Compare `data/model/` with the champion, or with the majority class while there is none to compare with.

    After a change of the split the champion may have been trained on what are test tracks now: their groups are left
    out. It is no rival where it cannot be loaded, or where too few groups are left.

    Raises:
        DataRefusedError: when there is no test track: nothing is judged, and nobody's place is taken.
        BundleError: when the champion's files are not those that were registered.
        SoundatlasError: when the evaluation is of other tracks.
    """
    inputs = open_inputs(root, params)
    sides = load_test(root, inputs)
    test, heads = sides["test"], params.promote.primary
    bundle = Bundle(root / "data/model")
    note, rival = "", None
    try:
        if champion is not None:
            rival = Bundle(registry.fetch_usable(champion), champion.content_sha256)
            unheard, note = _unheard(test, tracks_heard(registry.tracking, champion.run_id) or {})
            if unheard is None:
                rival = None
            else:
                test = unheard
    except OutdatedBundleError as error:
        note = f" ({error})"
    truth, groups = test[heads], test["group"].to_numpy()
    challenger = _evaluated(root, test, bundle)
    if rival is None:
        [challenger] = _timed(root, inputs, test, [(bundle, challenger)])
        majority = {head: str(sides["train"][head].value_counts().idxmax()) for head in heads}
        verdict = judge_first(truth, challenger, majority, groups, params.promote)
    else:
        answers = _answers(root, inputs, test, rival)
        challenger, answers = _timed(root, inputs, test, [(bundle, challenger), (rival, answers)])
        verdict = judge_against(truth, challenger, answers, groups, params.promote)
    return replace(verdict, reason=verdict.reason + note)


def _unheard(test: pd.DataFrame, heard: Mapping[str, str]) -> tuple[pd.DataFrame | None, str]:
    """Return the test tracks of groups in which a champion was trained on none, and what is to be said of the others.

    Args:
        test: the test tracks, with their `group`.
        heard: audio SHA-256 of the tracks that the champion was trained on, as keys.

    Returns:
        the tracks, or None where they are too few for a comparison; a remark for the decision, empty when all are left.
    """
    known = in_heard_groups(test, heard)
    if not known.any():
        return test, ""
    said = f" (the champion was trained on {known.sum()} of {len(test)} test tracks or on others of their groups"
    rest = test[~known].reset_index(drop=True)
    if rest["group"].nunique() < LEAST_GROUPS:
        return None, f"{said}: too many to compare the two)"
    return rest, f"{said}: those are left out)"


def load_test(root: Path, inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the sides of the split, of which `test` is one.

    Raises:
        DataRefusedError: when no track is on the test side.
    """
    sides = load_sides(root, inputs)
    if "test" not in sides:
        raise DataRefusedError("no track with a spectrogram is on the test side: see data/split/split.parquet")
    return sides


def evaluated_model(root: Path) -> str | None:
    """Return the content hash of the model that `data/evaluation/` is of; None where an earlier version wrote it."""
    table = pd.read_parquet(root / EVALUATED)
    return str(table["model_sha256"].iloc[0]) if "model_sha256" in table else None


def _evaluated(root: Path, test: pd.DataFrame, bundle: Bundle) -> Answers:
    """Return what `evaluate` found the model to say of the test tracks."""
    predictions = pd.read_parquet(root / EVALUATED).set_index("track_id")
    if absent := sorted(set(test["track_id"]) - set(predictions.index)):
        raise SoundatlasError(f"data/evaluation lacks {len(absent)} test tracks, e.g. {absent[0]}: run `dvc repro`")
    rows = predictions.loc[test["track_id"]].reset_index(drop=True)
    heads = [head for head in bundle.space.classes if head in rows]
    return Answers(
        rows[heads],
        rows[[f"{head}_confidence" for head in heads]].set_axis(heads, axis=1),
        learned=bundle.space.classes,
    )


def _answers(root: Path, inputs: Inputs, test: pd.DataFrame, bundle: Bundle) -> Answers:
    """Let the champion hear the test tracks."""
    hear = _hearing(root, inputs, bundle, stored=bundle.reads(inputs))
    rows = pd.DataFrame([hear(track).row() for track in test.to_dict("records")])
    return Answers(rows[list(bundle.space.classes)], learned=bundle.space.classes)


def _timed(root: Path, inputs: Inputs, test: pd.DataFrame, models: list[tuple[Bundle, Answers]]) -> list[Answers]:
    """Add how long each model takes for a clip: from the audio file, or where that is not here from what is stored."""
    clips = test.head(TIMED_CLIPS).to_dict("records")
    heard = all(audio_path(root, str(clip["path"])).is_file() for clip in clips)
    if not heard and not all(bundle.reads(inputs) for bundle, _ in models):
        return [answers for _, answers in models]
    hearing = [_hearing(root, inputs, bundle, stored=not heard) for bundle, _ in models]
    times = clip_milliseconds(hearing, clips)
    return [
        replace(answers, milliseconds=milliseconds, clips=len(clips))
        for (_, answers), milliseconds in zip(models, times, strict=True)
    ]


def _hearing(
    root: Path, inputs: Inputs, bundle: Bundle, *, stored: bool
) -> Callable[[dict[Any, Any]], TrackPrediction]:
    """Return how a bundle hears a row of `tables.TRACKS`."""
    if stored:
        return lambda track: bundle.classify_stored(inputs, track["audio_sha256"])
    return lambda track: bundle.classify_file(audio_path(root, track["path"]))
