"""`soundatlas make`: what one track lacks, and what that would be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import tiny_project

from soundatlas.commands.make import stage_reasons
from soundatlas.dag import ALWAYS, OWN_OUTPUT, Stage
from soundatlas.files import sha256_file
from soundatlas.history.store import history_path
from soundatlas.sources.deny_list import add_entries
from soundatlas.store.writing import remove_from_store
from soundatlas.tables import INBOX, empty, write_table


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, repository: Path, model: Path) -> Path:
    """Give a DVC project with a store, a champion and a file in the inbox; copy it, never write to it."""
    from dvc.repo import Repo

    from soundatlas.stages import spectrograms

    root = tmp_path_factory.mktemp("whole") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    write_table(empty(INBOX), root / "data/ingest/inbox.parquet")
    tiny_project.install_champion(root, model)
    (root / "dvc.yaml").write_text("stages: {one: {cmd: 'true', deps: [data/spectrograms]}}\n")
    Repo.init(str(root), no_scm=True).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """Give a copy of the project, to work on."""
    return Path(shutil.copytree(whole, tmp_path / "project"))


def lose(root: Path, number: int) -> str:
    """Take a track out of the store; return its hash."""
    sha = sha256_file(root / f"data/audio/{number:02d}.wav")
    remove_from_store(root / "data/spectrograms", {sha})
    return sha


def test_a_ping_says_what_would_run_and_computes_nothing(root, command):
    """Each step with its state, why, and what would be done; nothing is made, not even the history."""
    lose(root, 3)
    code, out, _ = command(root, "make", "piece 3", "--ping")
    assert code == 0
    lines = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert "present" in lines["audio file"]
    assert "missing" in lines["spectrogram"]
    assert "decode, log-mel, into its shard" in lines["spectrogram"]
    assert "the champion hears it from the store" in lines["prediction"]
    code, out, _ = command(root, "make", "demo:03", "--ping", "--json")
    assert [step["runs"] for step in json.loads(out)["steps"]] == [False, True, False, True]
    assert not history_path(root).exists()


def test_make_makes_what_is_missing_and_shows_it(root, command):
    """The steps that were made, the prediction, and what `dvc repro` does next; the second time all is kept."""
    sha = lose(root, 3)
    code, out, _ = command(root, "make", sha[:8])
    assert code == 0
    assert out.count(" made ") == 2
    assert "soundatlas version 1" in out
    assert "computes none of it again" in out
    code, out, _ = command(root, "make", "demo:03")
    assert (code, out.count(" made ")) == (0, 0)
    assert "classified" in out
    assert "computes none of it again" not in out


def test_make_tells_everything_as_json(root, command):
    """Steps, what each took, whether it came out the same, and the whole prediction with the embedding."""
    code, out, _ = command(root, "make", "demo:04", "--to", "embedding", "--force", "--json")
    assert code == 0
    told = json.loads(out)
    made = {step["step"]: step["made"] for step in told["steps"]}
    assert made["spectrogram"]["same"] is True
    assert made["prediction"]["same"] is None
    assert len(told["answer"]["embedding"]) == 8
    code, out, _ = command(root, "make", "demo:04", "--to", "embedding")
    assert "embedding: 8 numbers: " in out


def test_a_loose_file_is_called_by_its_name(root, command):
    """A file that no table knows is heard, and shown as what it is called."""
    tiny_project.write_clip(root / "loose.wav", 30)
    code, out, _ = command(root, "make", "loose.wav")
    assert code == 0
    assert "loose.wav" in out
    assert "classified" in out


def test_what_cannot_be_made_is_one_line(root, command, tmp_path):
    """Each fault with its exit code."""
    tiny_project.write_clip(root / "loose.wav", 30)
    (root / "notes.wav").write_text("no music")
    (root / "empty.wav").write_bytes(b"")
    sha = sha256_file(root / "data/audio/05.wav")
    add_entries(root, [{"audio_sha256": sha, "track_id": "demo:05", "since": "2026-01-01", "reason": ""}])
    cases = [
        (["make"], 2, "name a track to make"),
        (["make", "--ping", "--force"], 2, "name a track to make"),
        (["make", "nobody"], 2, "nor a part of one or of a name"),
        (["make", "piece"], 2, "is a part of 12 names"),
        (["make", "loose.wav", "--to", "spectrogram"], 2, "loose.wav is not in the catalogue"),
        (["make", "demo:05"], 2, "was forgotten"),
        (["make", "notes.wav"], 1, "not_audio"),
        (["make", "empty.wav"], 1, "empty"),
    ]
    for arguments, expected, said in cases:
        code, _, err = command(root, *arguments)
        assert (code, said in err, err.count("\n")) == (expected, True, 1), (arguments, err)
    (root / "data/champion.json").unlink()
    code, _, err = command(root, "make", "demo:01")
    assert (code, err) == (
        3,
        "soundatlas: there is no champion yet: `dvc repro` trains one; --to spectrogram needs none\n",
    )
    code, _, err = command(tmp_path, "make", "demo:01")
    assert (code, err.startswith("soundatlas: no dvc.yaml")) == (2, True)


def test_a_ping_of_all_counts_tracks_and_names_stages(root, command):
    """How many have come how far, and what `dvc repro` would run."""
    lose(root, 0)
    code, out, _ = command(root, "make", "--ping")
    assert code == 0
    lines = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert [cell.strip() for cell in lines["spectrogram"].split("│")[2:6]] == ["11", "1", "0", "0"]
    assert "yes" in lines["one"]
    told = json.loads(command(root, "make", "--ping", "--json")[1])
    assert told["steps"][1]["missing"] == 1
    assert told["stages"][0]["runs"] == "yes"


def test_stages_run_for_sure_or_perhaps():
    """What was changed runs; what only reads what is made anew, or comes after, runs perhaps."""
    stages = tuple(
        Stage(name, "", always_changed=name == "look", upstream=frozenset(upstream))
        for name, upstream in {
            "look": [],
            "store": [],
            "train": ["store"],
            "fresh": ["store"],
            "after": ["store", "train"],
            "apart": [],
        }.items()
    )
    changes = {
        "look": [ALWAYS],
        "store": [f"data/store modified{OWN_OUTPUT}"],
        "train": ["data/store modified"],
        "fresh": ["data/store modified", "train.epochs modified"],
    }
    told = {each["stage"]: each["runs"] for each in stage_reasons(stages, changes)}
    assert told == {
        "look": "always",
        "store": "yes",
        "train": "perhaps",
        "fresh": "yes",
        "after": "perhaps",
        "apart": "no",
    }
