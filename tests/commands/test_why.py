"""`soundatlas why`: what a musician, a pipe and a hostile name get."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_project

from soundatlas.audio.stems import analyse
from soundatlas.learning.explanation import Patches, flattened
from soundatlas.registry.bundle import Bundle
from soundatlas.stages import spectrograms

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def _learnt(tmp_path_factory, repository, model):
    """Give a project with a catalogue, its spectrograms and a champion; copy it, never write to it."""
    root = tmp_path_factory.mktemp("learnt") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    tiny_project.install_champion(root, model)
    return root


@pytest.fixture
def learnt(_learnt, tmp_path):
    """Give a copy of that project."""
    import shutil

    return shutil.copytree(_learnt, tmp_path / "learnt")


def test_file_is_explained(learnt, command):
    """Each head has its class, how many windows agree and where it rests; neighbours are training tracks."""
    tiny_project.write_clip(learnt / "[b]$new$.wav", 3, seconds=2.0)
    code, out, _ = command(learnt, "why", "[b]$new$.wav")
    assert code == 0
    assert "[b]$new$.wav" in out
    assert (learnt / "why-[b]$new$.png").read_bytes().startswith(PNG)
    assert "Picture: why-[b]$new$.png" in out
    assert " Hz" in out
    assert "piece " in out
    assert all(head in out for head in tiny_project.SPACE.classes)


def test_json_holds_all(learnt, command):
    """Probabilities per window, the grid and its drops, and the nearest tracks, in agreeing shapes."""
    code, out, _ = command(learnt, "why", "demo:01", "--json", "--out", "a.png")
    told = json.loads(out)
    assert code == 0
    assert told["name"] == "bela: piece 1"
    assert told["picture"] == "a.png"
    genre = told["heads"]["genre"]
    drops = genre["log_probability_drops"]
    assert (len(drops) + 1, len(drops[0]) + 1) == (len(told["patch_edges_seconds"]), len(told["patch_edges_bands"]))
    assert sum(genre["probabilities"].values()) == pytest.approx(1.0)
    windows = genre["window_probabilities"]
    assert [*windows] == [*genre["probabilities"]]
    assert {len(values) for values in windows.values()} == {len(told["window_middles_seconds"])}
    neighbours = told["nearest_training_tracks"]
    assert {row["track_id"] for row in neighbours} == {"demo:00", "demo:02", "demo:03"}  # train, but for itself
    assert [row["similarity"] for row in neighbours] == sorted((r["similarity"] for r in neighbours), reverse=True)


def test_told_factors_are_of_the_whole_model(learnt, command, blended_model):
    """Whoever flattens the patch, or the band, that is named and classifies again finds the factor that was told."""
    tiny_project.install_champion(learnt, blended_model)
    told = json.loads(command(learnt, "why", "demo:01", "--json")[1])
    bundle = Bundle(blended_model)
    log_mels = bundle.analyse(lambda front_end: analyse(learnt / "data/audio/01.wav", front_end).log_mel)
    before = bundle.classify_log_mels(log_mels).probabilities
    frames = np.round(np.array(told["patch_edges_seconds"]) * bundle.front_ends["network"].frames_per_second)
    patches = Patches(frames.astype(int), np.array(told["patch_edges_bands"]))
    throughout = Patches(np.array([0, len(log_mels["network"])]), patches.bands)
    for head, said in told["heads"].items():
        assert said["probabilities"] == pytest.approx(before[head])
        best = max(before[head], key=before[head].get)
        assert said["part_weights"] == pytest.approx({"network": 0.45 / 1.65, "statistics": 1.2 / 1.65})
        drops = np.array(said["log_probability_drops"])
        for grid, patch, strongest in (
            (patches, np.unravel_index(drops.argmax(), drops.shape), said["strongest"]),
            (throughout, (0, int(np.argmax(said["band_log_probability_drops"]))), said["strongest_band"]),
        ):
            without = bundle.classify_log_mels(flattened(log_mels, dict.fromkeys(log_mels, grid), patch))
            factor = before[head][best] / without.probabilities[head][best]
            assert strongest["times_less_likely"] == pytest.approx(factor, rel=1e-4)
            assert strongest["from_hertz"] == told["band_hertz"][grid.bands[patch[1]]]
    assert told["window_part"] == "network"


def test_table_says_whose_windows_agree(learnt, command, blended_model):
    """The windows are the network's, which the table names, with the weight of its word."""
    tiny_project.install_champion(learnt, blended_model)
    _, out, _ = command(learnt, "why", "demo:01")
    assert "windows of the network" in out
    assert "(weight 27%)" in out
    assert " Hz throughout" in out


def test_embeddings_are_remembered(learnt, command):
    """The second time nothing is heard anew, and the neighbours are the same."""
    _, first, err = command(learnt, "why", "demo:05", "--json")
    assert "listening to the catalogue: 100 %" in err
    _, second, err = command(learnt, "why", "demo:05", "--json")
    assert second == first
    assert "listening to the catalogue" not in err


def test_without_training_tracks_there_are_no_neighbours(crowned, command):
    """A project that only holds a champion explains a file all the same, and says why nothing is near."""
    tiny_project.write_clip(crowned / "a.wav", 1)
    code, out, _ = command(crowned, "why", "a.wav")
    assert code == 0
    assert "this project holds no training tracks" in out
    assert json.loads(command(crowned, "why", "a.wav", "--json")[1])["nearest_training_tracks"] == []


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("bad.mp3",), 1, "soundatlas: not_audio: "),
        (("empty.wav",), 1, "soundatlas: empty: the file holds no bytes\n"),
        (("nothing\x1b.wav",), 2, "soundatlas: nothing\ufffd.wav is neither a file nor a track_id of the catalogue\n"),
        (("folder",), 2, "soundatlas: folder is neither a file nor a track_id of the catalogue\n"),
        (("good.wav", "--out", "a.jpg"), 2, "soundatlas: a.jpg does not end with .png"),
        (("good.wav", "--out", "folder"), 2, "soundatlas: folder is a folder: name a file"),
        (("good.wav", "--out", "nowhere/a.png"), 2, "soundatlas: nowhere is not a folder"),
    ],
)
def test_faults_are_one_line(crowned, command, arguments, exit_code, said):
    """What cannot be explained is told in one line, and no picture is left."""
    tiny_project.write_clip(crowned / "good.wav", 1)
    (crowned / "bad.mp3").write_bytes(b"no music")
    (crowned / "empty.wav").touch()
    (crowned / "folder").mkdir()
    code, out, err = command(crowned, "why", *arguments)
    assert (code, out) == (exit_code, "")
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert not list(crowned.glob("**/*.png"))
