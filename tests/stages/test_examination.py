"""What `evaluate` looks at beyond the scores of one training."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import tiny_project

from soundatlas.files import read_json, sha256_file
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.labels import LabelSpace
from soundatlas.registry.bundle import Bundle, TrackPrediction
from soundatlas.stages import evaluate, repeats
from soundatlas.stages._examination import beats, unknowns, years
from soundatlas.stages._inputs import load_sides, open_inputs


@pytest.fixture
def trained(catalogued, model):
    """Give a project with a model and no repetition of its training."""
    shutil.copytree(model, catalogued / "data/model")
    return catalogued


def test_embedding_and_luck_stand_in_the_metrics(trained, tiny_params) -> None:
    """Every class head has its mAP@10 beside that of MFCC statistics, and the one seed's score with its interval."""
    repeats.run(trained, tiny_params)
    evaluate.run(trained, tiny_params)
    metrics = read_json(trained / "data/evaluation/metrics.json")
    for head in tiny_project.SPACE.classes:
        found = metrics["embedding"][head]
        for name in ("map_at_10", "mfcc_map_at_10"):
            assert 0 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 1
        assert found["queries"] == 4
        grouped = metrics["repeats"][head]["grouped"]
        assert (grouped["seeds"], grouped["tracks"]) == (1, 4)
        assert grouped["macro_f1"] == pytest.approx(metrics["classes"][head]["macro_f1"])


def test_another_seed_counts(trained, tiny_params) -> None:
    """The table of a repetition is averaged with this training's."""
    params = tiny_params.model_copy(
        update={"repeats": tiny_params.repeats.model_copy(update={"seeds": 2, "random_split": False})}
    )
    repeats.run(trained, params)
    evaluate.run(trained, params)
    figures = read_json(trained / "data/evaluation/metrics.json")["repeats"]["artist"]["grouped"]
    assert figures["seeds"] == 2
    assert figures["macro_f1_min"] <= figures["macro_f1"] <= figures["macro_f1_max"]


@pytest.mark.parametrize("case", ["decades", "no decade learnt", "no year known"])
def test_year_is_judged_by_the_decades(case, catalogued, tiny_params) -> None:
    """Where decades were learnt and years are known, their mean is scored against the training tracks' mean year."""
    test = pd.read_parquet(catalogued / "data/catalog/tracks.parquet").head(4).assign(group=list("abcd"))
    test["year"] = [1784.0, 1785.0, 1994.0, np.nan] if case != "no year known" else np.nan
    classes = {"genre": ("reel",)} if case == "no decade learnt" else {"decade": ("1780s", "1990s")}
    space = LabelSpace(classes, {})
    shares = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.float32)
    model = Predictions({"decade": shares}, {})
    found = years(test.assign(year=1880.0), test, space, model, tiny_params.evaluate)
    if case == "decades":
        assert found["tracks"] == 3
        assert found["mae"] == pytest.approx(0.5)
        assert found["r2"] > 0.99
    else:
        assert found == {}


def _saying(beat_bpm: float | None) -> TrackPrediction:
    return TrackPrediction({}, {}, np.ones(2, np.float32), {}, beat_bpm)


def test_beats_are_judged_beside_librosa_s(catalogued, tiny_params) -> None:
    """Tracks whose tempo is known count: exactly right, an octave off, or wrong; librosa hears the same files."""
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet").head(4)
    test = tracks.assign(group=list("abcd"), tempo_bpm=[100.0, 100.0, 100.0, np.nan])
    said = [_saying(103.0), _saying(50.0), _saying(130.0), _saying(80.0)]
    found = beats(catalogued, test, said, 600.0, tiny_params.evaluate)
    assert found["tracks"] == 3
    assert found["within_4_percent"] == pytest.approx(1 / 3)
    assert found["within_4_percent_or_octave"] == pytest.approx(2 / 3)
    assert 0 <= found["librosa_within_4_percent"] <= found["librosa_within_4_percent_or_octave"] <= 1
    assert beats(catalogued, test, [_saying(None)] * 4, 600.0, tiny_params.evaluate) == {}


def _add_strangers(root, *strangers: tuple[str, str | None, int]) -> None:
    """Put clips into the inbox: artist, title, and the number of the clip, equal ones having equal bytes."""
    rows = []
    for number, (artist, title, clip) in enumerate(strangers):
        path = f"data/audio/stranger-{number}.wav"
        tiny_project.write_clip(root / path, 20 + clip)
        sha = sha256_file(root / path)
        row = {"path": path, "size_bytes": 1, "audio_sha256": sha, "reason": None, "message": None}
        rows.append(row | {"artist": artist, "title": title})
    pd.DataFrame(rows).to_parquet(root / "data/catalog/inbox.parquet", index=False)


def _heard(root, params) -> tuple[Bundle, pd.DataFrame, list[TrackPrediction]]:
    inputs, bundle = open_inputs(root, params), Bundle(root / "data/model")
    test = load_sides(root, inputs)["test"]
    return bundle, test, [bundle.classify_stored(inputs, sha) for sha in test["audio_sha256"]]


def test_new_music_by_strangers_is_told_from_known_artists(trained, tiny_params) -> None:
    """Inbox tracks of artists that no training track has are the unknown ones; those of known artists do not count."""
    _add_strangers(trained, *(("zoe", None, clip) for clip in range(5)), ("anna", None, 5))
    bundle, test, predictions = _heard(trained, tiny_params)
    figures = unknowns(trained, bundle, test, predictions, tiny_params.evaluate)["artist"]
    assert (figures["known_tracks"], figures["unknown_tracks"], figures["unknown_groups"]) == (4, 5, 5)
    known = [row.known["artist"][0] for row in predictions]
    strange = [bundle.classify_file(trained / f"data/audio/stranger-{n}.wav").known["artist"][0] for n in range(5)]
    expected = sum(k > s for k in known for s in strange) / 20
    assert figures["auroc"] == pytest.approx(expected)
    assert figures["auroc_low"] < figures["auroc_high"]
    threshold = bundle.contract.open_set.threshold
    assert figures["unknown_rejected"] == sum(s < threshold for s in strange) / 5


def test_a_second_take_of_each_work_makes_nobody_surer(trained, tiny_params) -> None:
    """Tracks of one work are drawn together: twice the tracks of the same works have the same interval."""
    bundle, test, predictions = _heard(trained, tiny_params)
    once = [("zoe", f"Song {clip}", clip) for clip in range(6)]
    figures = []
    for strangers in (once, once + once):
        _add_strangers(trained, *strangers)
        figures.append(unknowns(trained, bundle, test, predictions, tiny_params.evaluate)["artist"])
    assert [each["unknown_tracks"] for each in figures] == [6, 12]
    for name in ("auroc", "confidence_auroc"):
        for figure in (name, f"{name}_low", f"{name}_high"):
            assert figures[0][figure] == pytest.approx(figures[1][figure])


@pytest.mark.parametrize("titles", [["a", "b", "c", "d"], ["a", "A!", "b", "c", "d", "d"]])
def test_few_strangers_have_no_auroc(trained, tiny_params, titles) -> None:
    """Of fewer than five unknown works, spellings aside, the metrics say how many there are, and null instead."""
    _add_strangers(trained, *(("zoe", title, clip) for clip, title in enumerate(titles)))
    repeats.run(trained, tiny_params)
    evaluate.run(trained, tiny_params)
    figures = read_json(trained / "data/evaluation/metrics.json")["open_set"]["artist"]
    assert (figures["unknown_tracks"], figures["unknown_groups"]) == (len(titles), 4)
    withheld = {key for key, value in figures.items() if value is None}
    assert withheld == {f"{name}{end}" for name in ("auroc", "confidence_auroc") for end in ("", "_low", "_high")}


def test_without_strangers_nothing_is_claimed(trained, tiny_params) -> None:
    """A catalogue without unknown artists has no AUROC."""
    assert unknowns(trained, *_heard(trained, tiny_params), tiny_params.evaluate) == {}
