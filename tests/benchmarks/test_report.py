"""The tables that the bench prints."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchmarks.quality.published import published_figures
from benchmarks.quality.report import print_report

FIGURES = {"macro_f1": 0.5, "macro_f1_low": 0.4, "macro_f1_high": 0.6, "macro_f1_per_seed": [0.45, 0.55]} | {
    "weighted_f1": 0.51, "accuracy": 0.52, "top_3_accuracy": 0.81, "ece": 0.07, "tracks": 9, "classes": 3,
}  # fmt: skip
ROW = {"split": "work", "available": True, "seeded": True, "seeds": [7, 8], "heads": {"genre": FIGURES}} | {
    "train_seconds": 12.3, "train_processor_seconds": 20.5, "ms_per_clip": 45.6, "notes": [], "attributes": {},
    "open_set": {}, "retrieval": {},
}  # fmt: skip
OPEN_SET = {"auroc": 0.64, "auroc_low": 0.5, "auroc_high": 0.75, "known_tracks": 9.0, "unknown_tracks": 4.0}
FEW = {"auroc": None, "auroc_low": None, "auroc_high": None, "known_tracks": 9.0, "unknown_tracks": 1.0}
RETRIEVAL = {"map_at_10": 0.41, "map_at_10_low": 0.3, "map_at_10_high": 0.52, "queries": 9}
RESULT = {
    "data": {"name": "my [red]set", "tracks": 30, "artists": 4, "hours": 1.5, "failures": 11, "near_duplicates": 3},
    "settings": {"seeds": [7, 8], "folds": 1, "confidence": 0.95, "bootstrap_resamples": 1000},
    "splits": {
        "work": {
            "tracks": [{"train": 12, "validation": 9, "test": 9}],
            "heads": ["genre"],
            "attributes": ["tempo_bpm"],
            "left_out": ["decade"],
            "classes_not_judged": {"genre": {"without_test_tracks": ["polka"], "without_training_tracks": []}},
            "near_duplicates_on_two_sides": 2,
        }
    },
    "rows": [
        ROW
        | {"peer": "soundatlas", "title": "soundatlas", "notes": ["9 of 16 epochs: 5 min"]}
        | {"attributes": {"tempo_bpm": {"r2": 0.25, "r2_low": 0.1, "r2_high": 0.3, "spearman": 0.62}}}
        | {"open_set": {"artist": OPEN_SET}, "retrieval": {"genre": RETRIEVAL}},
        ROW | {"peer": "crnn", "title": "artist CRNN", "open_set": {"decade": FEW}},
        {"peer": "musicnn", "title": "musicnn", "split": "work", "available": False, "reason": "no weights"},
    ],
    "paired": [
        {"split": "work", "peer": "crnn", "title": "artist CRNN", "head": "genre"}
        | {"value": 0.061, "low": -0.01, "high": 0.12, "p": 0.042}
    ],
    "published": [{"who": "somebody", "split": "official", "head": "genre", "metric": "accuracy", "value": 0.464}],
    "failures": [{"path": f"{n}.wav", "reason": "empty", "message": "no \x1b[31mbytes"} for n in range(11)],
}


@pytest.fixture(scope="module")
def lines():
    """Give the printed lines, runs of blanks and of rules being one blank."""
    file = io.StringIO()
    print_report(Console(file=file, width=130), RESULT)
    return [" ".join(line.replace("│", " ").split()) for line in file.getvalue().splitlines()]


def test_each_row_has_figures_and_times(lines):
    """Macro F1 with its interval and the range over seeds, the other metrics, training and inference time."""
    assert "genre soundatlas 0.50 [0.40, 0.60] 0.45-0.55 0.51 0.52 0.81 0.07 12.3 20.5 46" in lines
    assert "work split: 9 test tracks, mean of 2 seeds; 95% interval by grouped bootstrap" in lines


def test_what_a_reader_must_know_is_told(lines):
    """A limit that bit, a peer that cannot run, copies on two sides, what is not judged, and what to do about it."""
    assert "soundatlas: 9 of 16 epochs: 5 min" in lines
    assert "genre musicnn not available" in lines
    assert "musicnn: not available: no weights" in lines
    assert "work split: 2 of 3 pairs of near-duplicates lie on two sides, which flatters scores" in lines
    assert "work split: decade is left out: too few of its classes to learn, or none to test" in lines
    assert "work split: 1 of genre without test tracks: polka" in lines
    assert "`--folds 5` makes every track a test track once" in lines


def test_pairs_attributes_and_published_figures(lines):
    """The second table says how much better soundatlas is and how sure that is; others' figures follow."""
    assert "work artist CRNN genre +0.061 [-0.010, +0.120] 0.042" in lines
    r2 = lines.index("soundatlas 0.25 [0.10, 0.30]")
    assert lines[r2 + 1] == "0.62", "Spearman stands below R2"
    assert "soundatlas 0.41 [0.30, 0.52]" in lines
    assert "somebody official genre accuracy 0.464" in lines


def test_failures_are_shown_harmless(lines):
    """The first ten of eleven, without what a terminal would obey; names are not markup."""
    assert "Could not be used: 11, the first 10; all in bench.json" in lines
    assert sum(".wav" in line for line in lines) == 10
    assert not any("\x1b" in line for line in lines)
    assert any("my [red]set" in line for line in lines)


def test_published_figures_belong_to_their_data_set(collection_of):
    """artist20's stand beside a set of its shape, FMA's beside their subset, and none beside other music."""
    artist20 = [{"artist": f"artist {a}", "album": f"album {b}"} for a in range(20) for b in range(6)]
    assert {figure.value for figure in published_figures(collection_of(artist20))} == {0.937, 0.677, 0.603}
    assert published_figures(collection_of(artist20[:-1])) == ()
    assert 0.464 in [figure.value for figure in published_figures(collection_of([{}], name="fma small"))]


def test_unknown_classes_have_a_table_of_their_own(lines):
    """The AUROC stands beside the number of tracks of either kind, or "too few" where it would say nothing."""
    assert "artist soundatlas 0.64 [0.50, 0.75] 9 4" in lines
    assert "decade artist CRNN too few 9 1" in lines
    assert sum("AUROC" in line for line in lines) == 2
