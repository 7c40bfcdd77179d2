"""The history of predictions: keyed, only ever added to, and there after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from soundatlas.errors import HistoryError
from soundatlas.history.answers import Answer
from soundatlas.history.store import FORMAT, ModelKey, PredictionHistory, history_path, open_history

OLD, NEW = ModelKey("old model", "contract"), ModelKey("new model", "contract")
WRITER = Path(__file__).resolve().parents[1] / "resources" / "history_writer.py"


def answer(label: str) -> Answer:
    """Return the answer of a model that says one label."""
    return Answer.of_row({"genre": label, "embedding": [0.25, 0.5]})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Give the path of a history that is not there yet."""
    return tmp_path / "data/history/predictions.db"


def test_what_is_kept_is_found_under_its_key(database):
    """Audio, model and contract together are the key; another of them finds nothing."""
    with PredictionHistory(database) as history:
        history.keep(OLD, {"a": answer("reel"), "b": Answer("not_audio", "no music")})
    with PredictionHistory(database) as history:
        assert history.read(OLD, ["a", "b", "c"]) == {"a": answer("reel"), "b": Answer("not_audio", "no music")}
        assert history.read(NEW, ["a"]) == {}
        assert history.read(ModelKey(OLD.model_sha256, "other contract"), ["a"]) == {}


def test_the_first_answer_stays(database):
    """A key holds one prediction: whoever comes second adds nothing and changes nothing, not even by hand."""
    with PredictionHistory(database) as history:
        assert history.keep(OLD, {"a": answer("reel")}) == 1
        assert history.keep(OLD, {"a": answer("jig"), "b": answer("air")}) == 1
        assert history.read(OLD, ["a", "b"]) == {"a": answer("reel"), "b": answer("air")}
    with sqlite3.connect(database) as connection, pytest.raises(sqlite3.IntegrityError, match="not changed"):
        connection.execute("UPDATE predictions SET said = '{}'")


def test_all_that_was_said_of_some_audio(database):
    """Every model's prediction of it, in order, with its key and the time."""
    with PredictionHistory(database) as history:
        history.keep(OLD, {"a": answer("reel"), "b": answer("air")})
        history.keep(NEW, {"a": answer("jig")})
        records = history.of_audio("a")
        assert [(record.key, record.answer) for record in records] == [(OLD, answer("reel")), (NEW, answer("jig"))]
        assert all(record.made_at.endswith("+00:00") for record in records)
        assert history.of_audio("c") == []


def test_a_models_last_word(database):
    """However a model was fed, what it said last of each audio counts."""
    with PredictionHistory(database) as history:
        history.keep(OLD, {"a": answer("reel")})
        history.keep(ModelKey(OLD.model_sha256, "later code"), {"a": answer("jig")})
        assert history.of_model(OLD.model_sha256, ["a", "b"]) == {"a": answer("jig")}


def test_projections_are_noted_when_the_model_changes(database):
    """The order of the models that were shown is kept; the same one again is nothing new."""
    with PredictionHistory(database) as history:
        for model in ("v1", "v1", "v3", "v1"):
            history.note_projection(model)
        assert [(each.number, each.model_sha256) for each in history.projections()] == [(1, "v1"), (2, "v3"), (3, "v1")]


def test_forgotten_audio_leaves_no_byte(database):
    """What is forgotten is gone from the file itself, not only from the tables."""
    with PredictionHistory(database) as history:
        history.keep(OLD, {"a": answer("a label that stands out"), "b": answer("reel")})
        history.keep(NEW, {"a": answer("a label that stands out")})
        assert history.forget(["a", "unknown"]) == 2
        assert history.of_audio("a") == []
        assert history.read(OLD, ["b"]) == {"b": answer("reel")}
        held = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"stands out" not in held


def test_a_damaged_file_is_one_line(database):
    """A file that is no database, and one of a later version, say what to do."""
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(HistoryError, match=r"damaged .* move it away"):
        PredictionHistory(database)
    database.unlink()
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(HistoryError, match="update soundatlas"):
        PredictionHistory(database)


def test_an_experiment_uses_the_history_of_the_real_workspace(tmp_path, monkeypatch):
    """Within a DVC experiment the history is found from DVC_ROOT, as the registry is."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "real"))
    with open_history(tmp_path / "temporary") as history:
        assert history.path == history_path(tmp_path / "real")
    assert not (tmp_path / "temporary").exists()


def start_writer(database: Path, name: str, count: int) -> subprocess.Popen[str]:
    """Start a process that will add predictions; it waits for a line."""
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(database), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_that_start_at_once_lose_and_double_nothing(database):
    """Four processes make the file and write the same keys at the same time: each key is there once."""
    writers = [start_writer(database, name, 50) for name in "abcd"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT audio_sha256) FROM predictions").fetchone() == (
            50,
            50,
        )


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_what_was_kept_outlives_kill_9(database, lines):
    """Every prediction whose `keep` came back is there after SIGKILL, and the file goes on being written."""
    writer = start_writer(database, "x", 10_000)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    kept = [int(writer.stdout.readline()) for _ in range(lines)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    with PredictionHistory(database) as history:
        found = history.read(ModelKey("m", "c"), map(str, range(10_000)))
        assert {str(number) for number in range(kept + 1)} <= set(found)
        assert {each.row()["genre"] for each in found.values()} == {"x"}
        assert history.keep(ModelKey("m", "c"), {"next": answer("reel")}) == 1
