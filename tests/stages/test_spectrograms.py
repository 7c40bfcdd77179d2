"""Stage `spectrograms`: how many failures are too many, and what is taken down of each track."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
import tiny_project

from soundatlas.attempts import Attempt
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import HistoryError, SoundatlasError, TooManyFailuresError
from soundatlas.files import sha256_file
from soundatlas.history.audit import audit_path, open_audit
from soundatlas.profiling import Profile
from soundatlas.scale.attempted import write_attempted
from soundatlas.scale.places import Place
from soundatlas.sources.deny_list import add_entries
from soundatlas.stages import spectrograms


@pytest.fixture
def broken(catalogued):
    """Give a project with three of twelve files broken and no spectrograms yet."""
    import shutil

    shutil.rmtree(catalogued / "data/spectrograms")
    for number in (0, 1):
        (catalogued / f"data/audio/{number:02d}.wav").write_bytes(b"other bytes")
    (catalogued / "data/audio/02.wav").unlink()
    return catalogued


def test_too_many_failures_are_counted_by_reason(broken, tiny_params):
    """A quarter of failures is over the limit: the fault names how many, why, and where the list is."""
    with pytest.raises(TooManyFailuresError, match=r"3 of 12 tracks failed \(2 changed, 1 unreadable\)"):
        spectrograms.run(broken, tiny_params)
    assert len(pd.read_parquet(broken / "data/spectrograms/failures.parquet")) == 3


def test_failures_within_the_limit_are_reported(broken, repository, capsys):
    """At exactly the allowed share the stage ends well and says how many failed; the next run keeps the rest."""
    params = tiny_project.params_of(repository, spectrograms={"max_failure_rate": 0.25})
    spectrograms.run(broken, params)
    spectrograms.run(broken, params)
    assert capsys.readouterr().out.splitlines() == [
        "spectrograms: 9 computed, 0 kept, 0 removed, 3 failed",
        "spectrograms: 0 computed, 9 kept, 0 removed, 3 failed",
    ]


def test_missing_catalogue_says_what_to_run(project, tiny_params):
    """Without the stage before there is one line that says so."""
    with pytest.raises(SoundatlasError, match=r"tracks\.parquet is missing: run `dvc repro`"):
        spectrograms.run(project, tiny_params)


def test_what_was_computed_is_in_the_audit_trail(catalogued, tiny_params):
    """Each track that was computed has a row under the front end; a run that keeps all adds none."""
    spectrograms.run(catalogued, tiny_params)
    with open_audit(catalogued, "test") as trail:
        (found,) = trail.of_audio(sha256_file(catalogued / "data/audio/03.wav"))
    assert (found.outcome, found.by, found.attempt) == ("computed", "spectrograms", 1)
    assert found.step.contract_sha256 == FrontEnd.of(tiny_params.spectrograms).sha256()


def test_what_a_killed_job_of_a_cluster_attempted_is_taken_over(catalogued, tiny_params):
    """Under the contract of then, whatever the engine is now; not for a track that was forgotten meanwhile."""
    attempted = {"a" * 64: (Attempt(1_700_000_000.0, 0.5, None),), "b" * 64: (Attempt(1_700_000_000.0, 0.5, None),)}
    store = Place(str(catalogued / "data/spectrograms"))
    write_attempted(store, "0-bits-0.safetensors", "c" * 64, attempted)
    add_entries(catalogued, [{"audio_sha256": "b" * 64, "track_id": "", "since": "", "reason": ""}])
    spectrograms.run(catalogued, tiny_params)
    with open_audit(catalogued, "test") as trail:
        (found,) = trail.of_audio("a" * 64)
        assert (found.by, found.step.contract_sha256) == ("spectrograms", "c" * 64)
        assert trail.of_audio("b" * 64) == []
    assert not list((catalogued / "data/spectrograms").glob(".*"))


def test_failures_are_in_the_audit_trail_and_tried_again(broken, repository):
    """What may pass is tried as often as `retries` says, what lies in the bytes once; the failures' table says so."""
    params = tiny_project.params_of(repository, spectrograms={"max_failure_rate": 0.25, "retries": 2})
    sha = pd.read_parquet(broken / "data/catalog/tracks.parquet")["audio_sha256"].iloc[2]
    spectrograms.run(broken, params)
    failures = pd.read_parquet(broken / "data/spectrograms/failures.parquet").set_index("path")["message"]
    assert failures["data/audio/02.wav"].endswith(", after 3 attempts")
    assert "attempts" not in failures["data/audio/00.wav"]
    with open_audit(broken, "test") as trail:
        told = [(each.outcome, each.attempt) for each in trail.of_audio(sha)][1:]
    assert told == [("unreadable", 1), ("unreadable", 2), ("unreadable", 3)]


def test_an_audit_trail_that_cannot_be_used_stops_the_stage(broken, tiny_params):
    """Before anything is computed, with one line: no spectrogram is made that nobody took down."""
    for left in audit_path(broken).parent.glob("audit.db*"):
        left.unlink()
    audit_path(broken).write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(HistoryError, match="move it away"):
        spectrograms.run(broken, tiny_params)
    assert not (broken / "data/spectrograms").exists()


def test_a_profiled_run_makes_the_same_store(catalogued, tiny_params):
    """The profiler looks on and changes no byte."""
    folder = catalogued / "data/spectrograms"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    profile = Profile()
    spectrograms.run(catalogued, tiny_params, profile)
    assert profile.tracks == 12
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_starting_waits_for_no_table(repository):
    """Before the first track is handed to a worker, the stage imports neither pandas nor what decodes and stores."""
    slow = {"numpy", "pandas", "pyarrow", "rich", "scipy", "soundfile", "soxr"}
    program = f"import sys, soundatlas.stages.spectrograms; print(*sorted({slow} & set(sys.modules)))"
    found = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=repository)
    assert found.split() == []
