"""The bench as a whole, from its command line to its files."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import tiny_project

from benchmarks.quality import musicnn_peer
from benchmarks.quality.__main__ import main
from soundatlas.files import read_json
from soundatlas.tables import TRACKS, read_table, write_table

QUICK = ("--peers", "mfcc_lr,majority")


@pytest.fixture
def bench(finished, tmp_path, monkeypatch, capsys):
    """Give a function that runs the command in the finished project and returns exit code, output and `bench.json`."""

    def run(*arguments, project=finished):
        monkeypatch.setattr(
            sys, "argv", ["quality", "--project", str(project), "--out", str(tmp_path / "out"), *arguments]
        )
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        result = tmp_path / "out/bench.json"
        return end.value.code, told.out, told.err, read_json(result) if result.is_file() else None

    return run


def test_the_demo_catalogue_is_the_default(bench, tmp_path):
    """Rows with figures and wall times, a table, and predictions of every test track for tests of one's own."""
    code, out, _, result = bench(*QUICK)
    assert code == 0
    assert result["data"] == {"name": "demo", "tracks": 12, "artists": 3, "failures": 0} | {
        "hours": pytest.approx(12 * 0.8 / 3600),
        "near_duplicates": 0,
    }
    assert result["splits"]["work"]["tracks"] == [{"train": 4, "validation": 4, "test": 4}]
    linear, majority = result["rows"]
    assert (linear["peer"], linear["split"], linear["seeds"]) == ("mfcc_lr", "work", [7])
    assert set(linear["heads"]["genre"]) >= {"macro_f1", "macro_f1_low", "macro_f1_high", "weighted_f1", "accuracy"}
    assert set(linear["heads"]["genre"]) >= {"top_3_accuracy", "ece", "macro_f1_per_seed"}
    assert linear["train_seconds"] > 0
    assert linear["ms_per_clip"] > 0
    assert majority["attributes"]["tempo_bpm"]["r2"] == pytest.approx(0)
    assert "majority class" in out
    table = pd.read_parquet(tmp_path / "out/predictions.parquet")
    assert table.groupby(["peer", "head"])["track_id"].nunique().unique().tolist() == [4]
    assert {"split", "seed", "fold", "group", "actual", "predicted", "probabilities"} < set(table)


def test_a_rerun_keeps_what_is_finished(bench, tmp_path):
    """The second run trains nothing, says so, and gives the same figures and times."""
    *_, first = bench(*QUICK)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/cells").iterdir()}
    _, _, err, second = bench(*QUICK)
    assert err.count("(kept)") == 2
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/cells").iterdir()} == stamps
    assert second == first


def test_a_random_split_stands_beside_the_grouped_one(bench):
    """`--split random` gives rows of both."""
    code, _, _, result = bench("--split", "random", "--folds", "2", *QUICK)
    assert code == 0
    assert [row["split"] for row in result["rows"]] == ["work", "work", "random", "random"]
    assert result["rows"][0]["heads"]["genre"]["tracks"] == 12, "each track judges once"


def test_soundatlas_is_compared_in_pairs(bench, monkeypatch):
    """Each other peer has a difference per head; one that cannot run is a row with the reason, not left out."""
    monkeypatch.setattr(musicnn_peer, "NEEDED", ("soundatlas.learning.no_such_module",))
    code, out, _, result = bench("--peers", "soundatlas,majority,musicnn_pooled", "--seeds", "2")
    assert code == 0
    assert [(row["peer"], row["head"]) for row in result["paired"]] == [("majority", "genre"), ("majority", "artist")]
    assert {"value", "low", "high", "p"} < set(result["paired"][0])
    ours, musicnn, _ = result["rows"]
    assert ours["seeds"] == [7, 8]
    figures = ours["heads"]["genre"]
    assert figures["macro_f1"] == pytest.approx(np.mean(figures["macro_f1_per_seed"]))
    assert musicnn == {
        "peer": "musicnn_pooled", "title": "musicnn mean + max, linear", "split": "work", "available": False,
        "reason": "soundatlas.learning.no_such_module is not there",
    }  # fmt: skip
    assert "soundatlas against each peer" in out
    assert "not available: soundatlas.learning.no_such_module is not there" in out


def test_a_peer_that_cannot_learn_from_the_data_is_a_row(bench, finished, tmp_path):
    """Without an artist on the validation side the CRNN has no figures but the reason; the others go on."""
    project = tmp_path / "project"
    shutil.copytree(finished, project)
    tracks = read_table(project / "data/catalog/tracks.parquet", TRACKS)
    tracks.loc[4:7, "artist"] = None
    write_table(tracks, project / "data/catalog/tracks.parquet")
    code, out, _, result = bench("--peers", "soundatlas,crnn,majority", "--seeds", "1", project=project)
    assert code == 0
    assert [(row["peer"], row["available"]) for row in result["rows"]] == [
        ("soundatlas", True),
        ("crnn", False),
        ("majority", True),
    ]
    assert result["rows"][1]["reason"] == "no validation track has a artist that the training tracks have"
    assert {row["peer"] for row in result["paired"]} == {"majority"}
    assert "not available: no validation track has a artist" in out
    assert set(pd.read_parquet(tmp_path / "out/predictions.parquet")["peer"]) == {"soundatlas", "majority"}


def test_soundatlas_without_figures_is_an_error(bench, finished, repository, tmp_path, monkeypatch):
    """The other peers are judged and written, and the exit code and one line say that soundatlas is not."""
    project = tmp_path / "project"
    shutil.copytree(finished, project)
    tiny_project.start_project(project, repository, train={"backbone": "musicnn_msd"})
    (tmp_path / "no folder").touch()
    monkeypatch.setenv("SOUNDATLAS_CACHE", str(tmp_path / "no folder"))
    code, out, err, result = bench("--peers", "soundatlas,majority", project=project)
    assert code == 1
    assert [row["available"] for row in result["rows"]] == [False, True]
    assert result["paired"] == []
    assert "majority class" in out
    assert err.splitlines()[-1].startswith("soundatlas: soundatlas has no figures: the weights of ")
    code, _, _, result = bench("--peers", "soundatlas", project=project)
    assert (code, result["rows"][0]["available"]) == (1, False), "nobody has figures"


def test_stems_are_refused(bench, project, repository):
    """The bench hears no stems, and says so rather than train something else; peers without a network may go on."""
    tiny_project.start_project(project, repository, train={"stems": True}, separate={"stems": ["harmonic"]})
    code, _, err, _ = bench("--peers", "soundatlas_scratch,majority", project=project)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("soundatlas: train.stems is true, which the bench cannot train: set it to false, or leave")
    code, _, err, _ = bench("--peers", "majority", project=project)
    assert (code, "run `make demo`" in err) == (1, True)


def test_a_folder_of_music(bench, tmp_path):
    """Files with labels are analysed and judged; a file that is no audio and a missing one are shown as failures."""
    music = tmp_path / "music"
    lines = ["path,artist,title,genre"]
    for number in range(12):
        tiny_project.write_clip(music / f"{number}.wav", number % 2)
        with (music / f"{number}.wav").open("ab") as file:
            file.write(b"%d" % number)  # otherwise copies of one clip would have one hash
        lines.append(f"{number}.wav,artist {number % 2},title {number},{('jig', 'reel')[number % 2]}")
    (music / "noise.wav").write_bytes(b"no audio")
    (music / "tracks.csv").write_text("\n".join([*lines, "noise.wav,x,y,z", "gone.wav,x,y,z"]), encoding="utf-8")
    code, out, _, result = bench("--folder", str(music), "--folds", "3", *QUICK)
    assert code == 0
    assert result["data"] | {"hours": 0} == {"name": "music", "tracks": 12, "artists": 2, "failures": 2} | {
        "hours": 0,
        "near_duplicates": 0,
    }
    assert [(row["path"], row["reason"]) for row in result["failures"]] == [
        ("gone.wav", "unreadable"),
        ("noise.wav", "not_audio"),
    ]
    assert "gone.wav" in out
    assert result["rows"][0]["heads"]["genre"]["tracks"] == 12
    assert result["rows"][0]["heads"]["genre"]["macro_f1"] > 0.9, "two tones are easy to tell apart"


def test_what_cannot_be_is_one_line(bench, project, tmp_path):
    """No data, another split, two sources and an unknown peer end with a line that says what to do."""
    cases = (
        (("--peers", "nemo"), 2, "--peers names 'nemo'"),
        (("--split", "official"), 2, "--split is 'official'"),
        (("--folder", str(tmp_path), "--fma", str(tmp_path)), 2, "not both"),
        (("--folder", str(tmp_path / "no")), 2, "is missing: it lists the tracks"),
    )
    for arguments, expected, message in cases:
        code, out, err, _ = bench(*arguments)
        assert (code, out) == (expected, "")
        assert err.startswith("soundatlas: ")
        assert message in err
        assert err.count("\n") == 1
    code, _, err, _ = bench(project=project)
    assert (code, err.count("\n")) == (1, 1)
    assert "data/catalog/tracks.parquet is missing: run `make demo`" in err
