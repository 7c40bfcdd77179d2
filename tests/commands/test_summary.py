"""`soundatlas summary`: what the last run made, or that there was none."""

from __future__ import annotations

import io
import shutil

import pandas as pd
import pytest
import tiny_project
from rich.console import Console

from soundatlas.commands.summary import score_table
from soundatlas.files import read_json, write_json
from soundatlas.registry.pin import export_pin


@pytest.fixture
def finished(project):
    """Give a project after a whole run in which nobody became champion."""
    tracks = tiny_project.write_catalogue(project, audio=False)
    tiny_project.write_evaluation(project / "data/evaluation", tracks)
    export_pin(project, "soundatlas", None)
    (project / "data/predictions").mkdir()
    rows = [
        {"path": "data/inbox/[b]a.wav", "status": "classified", "message": None, "genre": "reel"}
        | {"genre_confidence": 0.75, "artist": "anna", "artist_confidence": 0.5},
        {"path": "data/inbox/b.wav", "status": "empty", "message": "the file holds no bytes"},
    ]
    pd.DataFrame(rows).to_parquet(project / "data/predictions/predictions.parquet", index=False)
    return project


def test_before_any_run(project, command):
    """There is nothing to show: exit code 1 and one line that says what to run."""
    code, out, err = command(project, "summary")
    assert (code, out) == (1, "")
    assert err == "soundatlas: nothing to show yet: run `make demo`, or `dvc repro`\n"


def test_whole_run_is_shown(finished, command):
    """Catalogue, scores with intervals, that there is no champion, and each prediction."""
    code, out, err = command(finished, "summary")
    assert (code, err) == (0, "")
    assert "12 tracks by 3 artists" in out
    assert "0.50 [0.40, 0.60]" in out
    assert "none yet: no model has passed the gate" in out
    assert "data/inbox/[b]a.wav" in out
    assert "reel 75%" in out
    assert "empty: the file holds no bytes" in out


def test_seeds_splits_and_further_figures_are_shown(finished, command):
    """Where the training was repeated, its means stand first, then a random split's; others follow, or why not."""
    path = finished / "data/evaluation/metrics.json"
    metrics = read_json(path)
    repeated = {"macro_f1": 0.45, "macro_f1_low": 0.35, "macro_f1_high": 0.55, "seeds": 3}
    metrics["repeats"] = {
        head: {"grouped": repeated, "random": repeated | {"macro_f1": 0.7}} for head in metrics["classes"]
    }
    retrieval = {"nearest": 10.0, "map_at_10": 0.4, "map_at_10_low": 0.3, "map_at_10_high": 0.5}
    retrieval |= {"mfcc_map_at_10": 0.1, "mfcc_map_at_10_low": 0.05, "mfcc_map_at_10_high": 0.2}
    metrics["embedding"] = {"artist": retrieval}
    metrics["attributes"] = {"tempo_bpm": {"r2": 0.2, "r2_low": 0.1, "r2_high": 0.3, "mae": 12.0}}
    unknown = {"auroc": 0.6, "auroc_low": 0.5, "auroc_high": 0.7, "unknown_tracks": 16.0, "unknown_groups": 14.0}
    unknown["known_tracks"] = 66.0
    metrics["open_set"] = {"artist": unknown, "genre": unknown | {"auroc": None, "unknown_groups": 4.0}}
    write_json(path, metrics)
    code, out, _ = command(finished, "summary")
    assert code == 0
    for text in (
        "soundatlas, 3 seeds",
        "0.45 [0.35, 0.55]",
        "on a random split",
        "0.70 [0.35, 0.55]",
        "mAP@10: 0.40 [0.30, 0.50], MFCC statistics 0.10",
        "tempo_bpm: R2 0.20 [0.10, 0.30]",
        "AUROC 0.60 [0.50, 0.70] (16 tracks in 14 groups against 66 tracks)",
        "told from known ones: too few (16 tracks in 4 groups against 66 tracks)",
    ):
        assert text in out


@pytest.mark.parametrize(("tracks", "folds", "told"), [(9, False, True), (10, False, False), (9, True, False)])
def test_classes_with_few_test_tracks_are_told(tracks, folds, told, finished, command):
    """Nine test tracks say little of a class: folds are named as the way out, unless they were there already."""
    path = finished / "data/evaluation/metrics.json"
    metrics = read_json(path)
    if folds:
        found = {"macro_f1": 0.5, "macro_f1_low": 0.4, "macro_f1_high": 0.6, "tracks": 12, "accuracy": 0.5}
        write_json(path, metrics | {"repeats": {"genre": {"folds": found}}})
    rows = [{"head": "genre", "class": "reel", "tracks": tracks}, {"head": "genre", "class": "jig", "tracks": 30}]
    pd.DataFrame(rows).to_csv(finished / "data/evaluation/per_class.csv", index=False)
    code, out, _ = command(finished, "summary")
    assert code == 0
    assert ("1 of 2 classes have fewer than 10 test tracks: `dvc exp run --temp -S repeats.folds=5" in out) == told


def test_champion_is_named(finished, model, command):
    """With a champion its version and the start of its hash are shown."""
    content = tiny_project.install_champion(finished, model)
    _, out, _ = command(finished, "summary")
    assert f"soundatlas version 1 ({content[:12]})" in out


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_no_interval_is_cut(width, finished):
    """On a narrow terminal intervals stand below their scores, and then columns go; what is shown is shown whole."""
    metrics = read_json(finished / "data/evaluation/metrics.json")
    repeated = {"macro_f1": 0.45, "macro_f1_low": 0.35, "macro_f1_high": 0.55, "seeds": 3}
    metrics["repeats"] = {head: {"grouped": repeated, "random": repeated} for head in metrics["classes"]}
    console = Console(width=width, file=io.StringIO())
    console.print(score_table(metrics, console))
    shown = console.file.getvalue()
    assert "…" not in shown
    assert "[0.35, 0.55]" in shown
    assert all(head in shown for head in metrics["classes"])
    assert ("accuracy" in shown) == (width >= 100)


def test_what_is_missing_or_damaged_hides_nothing_else(finished, command):
    """Without predictions a line says so; what is damaged is named at the end, the rest being shown."""
    shutil.rmtree(finished / "data/predictions")
    code, out, err = command(finished, "summary")
    assert (code, err) == (0, "")
    assert "not classified yet: `dvc repro` does" in out
    (finished / "data/predictions").mkdir()
    for name in ("evaluation/metrics.json", "predictions/predictions.parquet", "champion.json"):
        (finished / "data" / name).write_text("<<<<<<< HEAD\n", encoding="utf-8")
    code, out, err = command(finished, "summary")
    assert code == 1
    assert "12 tracks by 3 artists" in out
    assert "what was checked before training" in out
    assert err.count("\n") == 1
    for name in (
        "data/evaluation is damaged (JSONDecodeError: ",
        "predictions.parquet is damaged",
        "champion.json is damaged",
    ):
        assert name in err


def test_long_inbox_is_cut(finished, command):
    """Of forty predictions thirty are shown, and the title says where all of them are."""
    rows = [{"path": f"{number:03d}.wav", "status": "empty", "message": "m"} for number in range(40)]
    pd.DataFrame(rows).to_parquet(finished / "data/predictions/predictions.parquet", index=False)
    _, out, _ = command(finished, "summary")
    assert "029.wav" in out
    assert "030.wav" not in out
    assert "40 files, the first 30 of them" in " ".join(out.split())  # the title is as wide as its table
