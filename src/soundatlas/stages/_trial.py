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
from soundatlas.stages._inputs import load_sides, open_inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.learning.inputs import Inputs
    from soundatlas.params import Params
    from soundatlas.registry.bundle import TrackPrediction
    from soundatlas.registry.gate import Verdict
    from soundatlas.registry.pin import Champion
    from soundatlas.registry.promotion import ModelRegistry

TIMED_CLIPS = 15


def try_challenger(root: Path, params: Params, registry: ModelRegistry, champion: Champion | None) -> Verdict:
    """Compare `data/model/` with the champion, or with the majority class while there is none that can be loaded.

    Raises:
        DataRefusedError: when there is no test track: nothing is judged, and nobody's place is taken.
        BundleError: when the champion's files are not those that were registered.
        SoundatlasError: when the evaluation is of other tracks.
    """
    inputs = open_inputs(root, params)
    sides = load_test(root, inputs)
    test, heads = sides["test"], params.promote.primary
    truth, groups = test[heads], test["group"].to_numpy()
    bundle = Bundle(root / "data/model")
    challenger = _evaluated(root, test, bundle)
    outdated, rival = "", None
    try:
        if champion is not None:
            rival = Bundle(registry.fetch_usable(champion), champion.content_sha256)
    except OutdatedBundleError as error:
        outdated = f" ({error})"
    if rival is None:
        [challenger] = _timed(root, inputs, test, [(bundle, challenger)])
        majority = {head: str(sides["train"][head].value_counts().idxmax()) for head in heads}
        verdict = judge_first(truth, challenger, majority, groups, params.promote)
        return replace(verdict, reason=verdict.reason + outdated)
    answers = _answers(root, inputs, test, rival)
    challenger, answers = _timed(root, inputs, test, [(bundle, challenger), (rival, answers)])
    return judge_against(truth, challenger, answers, groups, params.promote)


def load_test(root: Path, inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Return the sides of the split, of which `test` is one.

    Raises:
        DataRefusedError: when no track is on the test side.
    """
    sides = load_sides(root, inputs)
    if "test" not in sides:
        raise DataRefusedError("no track with a spectrogram is on the test side: see data/split/split.parquet")
    return sides


def _evaluated(root: Path, test: pd.DataFrame, bundle: Bundle) -> Answers:
    """Return what `evaluate` found the model to say of the test tracks."""
    predictions = pd.read_parquet(root / "data/evaluation/predictions.parquet").set_index("track_id")
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
