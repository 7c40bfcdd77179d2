"""The deny-list: the user's file, and what is left out because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import SoundatlasError, UsageError
from soundatlas.files import sha256_file
from soundatlas.sources.base import Collected
from soundatlas.sources.deny_list import (
    DenyList,
    add_entries,
    leave_out_denied,
    read_deny_list,
    read_export,
)
from soundatlas.tables import FAILURES, INBOX, LABELS, TRACKS, conform, empty

if TYPE_CHECKING:
    from pathlib import Path

SHA, OTHER = "a" * 64, "b" * 64


def entry(sha: str, track_id: str = "") -> dict[str, str]:
    """Return a row of the file."""
    return {"audio_sha256": sha, "track_id": track_id, "since": "2026-11-25", "reason": 'withdrawn, "at once"'}


def write(root: Path, text: str) -> None:
    """Write the file as a user might."""
    (root / "data").mkdir(exist_ok=True)
    (root / "data/denied.csv").write_bytes(text.encode("utf-8-sig"))


def test_absent_is_empty(tmp_path):
    """Who denies nothing needs no file."""
    assert read_deny_list(tmp_path) == DenyList()


def test_what_was_added_is_read_and_added_once(tmp_path):
    """Rows stay in their order with what the user wrote; the same audio and track is not added again."""
    add_entries(tmp_path, [entry(SHA, "demo:1")])
    add_entries(tmp_path, [entry(OTHER), {**entry(SHA, "demo:1"), "reason": "again"}])
    assert read_deny_list(tmp_path) == DenyList(frozenset({SHA, OTHER}), frozenset({"demo:1"}))
    lines = (tmp_path / "data/denied.csv").read_text().splitlines()
    assert lines[0] == "audio_sha256,track_id,since,reason"
    assert lines[1] == f'{SHA},demo:1,2026-11-25,"withdrawn, ""at once"""'
    assert len(lines) == 3


def test_a_spreadsheet_may_have_written_it(tmp_path):
    """A byte order mark, spaces, and rows with only one of the two names are read."""
    write(tmp_path, f"track_id,audio_sha256,since,reason\r\ndemo:2,,,\r\n, {SHA} ,,\r\n")
    assert read_deny_list(tmp_path) == DenyList(frozenset({SHA}), frozenset({"demo:2"}))


def test_what_the_user_wrote_stays(tmp_path):
    """Rows are added below, in the file's own columns; notes of the user's and the order are left as they are."""
    write(tmp_path, f"note,reason,since,track_id,audio_sha256\nmine,,,demo:2,{OTHER}")
    add_entries(tmp_path, [entry(SHA, "demo:1")])
    lines = (tmp_path / "data/denied.csv").read_text().splitlines()
    assert lines[:2] == ["note,reason,since,track_id,audio_sha256", f"mine,,,demo:2,{OTHER}"]
    assert lines[2].endswith(f",2026-11-25,demo:1,{SHA}")


@pytest.mark.parametrize("text", [SHA, f"{SHA}\n{OTHER}\n", f"audio_sha256\n{SHA}\n", "\n" + SHA])
def test_a_list_without_a_header_is_refused(tmp_path, text):
    """Where the first line does not name the columns, it says which: the line would otherwise deny nothing."""
    write(tmp_path, text)
    with pytest.raises(UsageError, match="line 1 must name the columns: audio_sha256,track_id,since,reason"):
        read_deny_list(tmp_path)


def test_a_file_of_blanks_is_empty(tmp_path):
    """An emptied file denies nothing, and is added to as if it were not there."""
    write(tmp_path, "\n \n")
    assert read_deny_list(tmp_path) == DenyList()
    add_entries(tmp_path, [entry(SHA)])
    assert read_deny_list(tmp_path).shas == {SHA}


@pytest.mark.parametrize("text", ["id\nx\n", f"audio_sha256,track_id,since,reason\n{SHA.upper()},,,\n"])
def test_a_wrong_file_is_refused(tmp_path, text):
    """A list that would deny nothing by mistake stops the line and names the file."""
    write(tmp_path, text)
    with pytest.raises(UsageError, match=r"data/denied.csv"):
        read_deny_list(tmp_path)


def test_the_list_of_the_real_workspace_holds_in_an_experiment(tmp_path, monkeypatch):
    """A list that is not in git yet is not copied into an experiment's folder, and denies there all the same."""
    add_entries(tmp_path, [entry(SHA)])
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert read_deny_list(tmp_path / "elsewhere").shas == {SHA}


def test_without_the_export_of_ingest_nothing_goes_on(tmp_path):
    """A catalogue is not made while nobody knows what is denied."""
    with pytest.raises(SoundatlasError, match="run `dvc repro ingest`"):
        read_export(tmp_path)


def test_denied_tracks_lose_rows_labels_and_our_audio(tmp_path):
    """By id and by hash; audio in our folder goes, the notes with its hash too, and a file elsewhere stays."""
    paths = {"kept": "data/audio/kept.wav", "by id": "data/audio/id.wav", "by hash": "own/hash.wav"}
    for number, path in enumerate(paths.values()):
        tiny_project.write_clip(tmp_path / path, number)
    shas = {name: sha256_file(tmp_path / path) for name, path in paths.items()}
    rows = [
        {"track_id": name, "path": path, "audio_sha256": shas[name], "duration_seconds": 1.0}
        for name, path in paths.items()
    ]
    tiny_project.write_clip(tmp_path / "data/audio/new.wav", 9)
    new = {"path": "data/audio/new.wav", "size_bytes": 1, "audio_sha256": sha256_file(tmp_path / "data/audio/new.wav")}
    for name in ("by id", "kept"):
        (tmp_path / f"data/audio/{name}.json").write_text(f'{{"audio_sha256": "{shas[name]}"}}')
    labels = pd.DataFrame({"track_id": [*paths]})
    collected = Collected(
        conform(pd.DataFrame(rows), TRACKS),
        conform(labels, LABELS),
        conform(pd.DataFrame([new]), INBOX),
        empty(FAILURES),
    )
    denied = DenyList(frozenset({shas["by hash"], new["audio_sha256"]}), frozenset({"by id"}))
    left = leave_out_denied(collected, denied, tmp_path, tmp_path / "data/audio")
    assert left.tracks["track_id"].tolist() == left.labels["track_id"].tolist() == ["kept"]
    assert left.inbox.empty
    assert sorted(path.name for path in (tmp_path / "data/audio").iterdir()) == ["kept.json", "kept.wav"]
    assert (tmp_path / "own/hash.wav").is_file()
