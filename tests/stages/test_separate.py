"""Stage `separate`: stems of every track, only the missing ones computed, and nothing where none is asked for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
import tiny_project

from soundatlas.audio.stems import StemFrontEnd, analyse_stems
from soundatlas.errors import StoreError, TooManyFailuresError
from soundatlas.history.audit import STEMS
from soundatlas.stages import separate
from soundatlas.store.reading import SpectrogramStore
from soundatlas.store.verification import verify_store

STEM_NAMES = ["percussive", "foreground"]
NOTHING = "0 computed, 0 kept, 0 removed, 0 failed"


@pytest.fixture
def asked(repository):
    """Give parameters that ask for two stems."""
    return tiny_project.params_of(repository, separate={"stems": STEM_NAMES})


@pytest.fixture
def three(catalogued):
    """Give a project whose catalogue has three tracks."""
    path = catalogued / "data/catalog/tracks.parquet"
    pd.read_parquet(path).head(3).to_parquet(path, index=False)
    return catalogued


def open_stems(root, params) -> SpectrogramStore:
    """Open the store of the stems' log-mels."""
    return SpectrogramStore(root / "data/stems", StemFrontEnd.of(params.spectrograms, params.separate).sha256())


def files_of(folder) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_track_has_mix_and_stems(three, asked) -> None:
    """The store holds, by audio hash, what the front end hears in each file: the mix, then the stems in their order."""
    separate.run(three, asked)
    store, tracks = open_stems(three, asked), pd.read_parquet(three / "data/catalog/tracks.parquet")
    front_end = StemFrontEnd.of(asked.spectrograms, asked.separate)
    for sha, path in zip(tracks["audio_sha256"], tracks["path"], strict=True):
        heard = analyse_stems(three / path, front_end).log_mel
        np.testing.assert_array_equal(store.log_mel(sha), heard.astype(np.float16))
    assert store.log_mel(sha).shape[1:] == (asked.spectrograms.n_mels, 1 + len(STEM_NAMES))
    np.testing.assert_array_equal(store.frames(sha, 3, 5), store.log_mel(sha)[3:5])
    assert verify_store(three / "data/stems").damaged == {}


def test_only_what_is_new_is_computed(three, asked, repository, capsys) -> None:
    """A second run computes nothing, a track that left is removed, and another setting computes all anew."""
    separate.run(three, asked)
    before = files_of(three / "data/stems")
    separate.run(three, asked)
    assert files_of(three / "data/stems") == before
    path = three / "data/catalog/tracks.parquet"
    pd.read_parquet(path).head(2).to_parquet(path, index=False)
    separate.run(three, asked)
    separate.run(three, tiny_project.params_of(repository, separate={"stems": STEM_NAMES, "power": 1.0}))
    assert capsys.readouterr().out.splitlines() == [
        "separate: log-mels: 3 computed, 0 kept, 0 removed, 0 failed",
        "separate: log-mels: 0 computed, 3 kept, 0 removed, 0 failed",
        "separate: log-mels: 0 computed, 2 kept, 1 removed, 0 failed",
        "separate: log-mels: 2 computed, 0 kept, 0 removed, 0 failed",
    ]
    with pytest.raises(StoreError, match="another front end"):
        open_stems(three, asked).log_mel(str(pd.read_parquet(path)["audio_sha256"].iloc[0]))


def test_stems_can_be_heard(three, repository, capsys) -> None:
    """With `write_audio` there is a FLAC per track and stem, as long as the track, until it is no longer asked for."""
    aloud = tiny_project.params_of(repository, separate={"stems": STEM_NAMES, "write_audio": True})
    separate.run(three, aloud)
    folder, tracks = three / "data/stem_audio", pd.read_parquet(three / "data/catalog/tracks.parquet")
    sounds = sorted(path for path in folder.glob("*.flac"))
    assert {(path.name[:16], path.stem.rpartition("-")[2]) for path in sounds} == {
        (sha[:16], stem) for sha in tracks["audio_sha256"] for stem in STEM_NAMES
    }
    about = soundfile.info(three / tracks["path"].iloc[0])
    assert {(soundfile.info(path).frames, soundfile.info(path).samplerate) for path in sounds} == {
        (about.frames, about.samplerate)
    }
    before = files_of(folder)
    sounds[0].unlink()
    separate.run(three, aloud)
    assert files_of(folder) == before
    separate.run(three, tiny_project.params_of(repository, separate={"stems": STEM_NAMES}))
    assert [*files_of(folder)] == ["failures.parquet"]
    told = [line for line in capsys.readouterr().out.splitlines() if "audio" in line]
    assert told == [
        "separate: audio: 3 computed, 0 kept, 0 removed, 0 failed",
        "separate: audio: 1 computed, 2 kept, 0 removed, 0 failed",
    ]


def test_bad_track_is_a_row(three, asked, repository) -> None:
    """One file that changed is a row with its reason; above the limit the stage fails with counts."""
    tracks = pd.read_parquet(three / "data/catalog/tracks.parquet")
    (three / tracks["path"].iloc[1]).write_bytes(b"other bytes")
    with pytest.raises(TooManyFailuresError, match=r"1 of 3 tracks failed \(1 changed\).*separate\.max_failure_rate"):
        separate.run(three, asked)
    patient = {"stems": STEM_NAMES, "write_audio": True, "max_failure_rate": 0.4}
    separate.run(three, tiny_project.params_of(repository, separate=patient))
    for folder in ("data/stems", "data/stem_audio"):
        failures = pd.read_parquet(three / folder / "failures.parquet")
        assert failures[["path", "stage", "reason"]].to_numpy().tolist() == [
            [tracks["path"].iloc[1], "separate", "changed"]
        ]
    assert len(open_stems(three, asked).manifest) == 2


def test_what_was_done_is_in_the_trail(three, asked) -> None:
    """Each track that was taken apart has its row in the audit trail, under the contract of the stems."""
    import sqlite3

    separate.run(three, asked)
    with sqlite3.connect(three / "data/history/audit.db") as database:
        rows = database.execute("SELECT DISTINCT contract_sha256 FROM attempts WHERE step = ?", (STEMS,)).fetchall()
    assert rows == [(StemFrontEnd.of(asked.spectrograms, asked.separate).sha256(),)]


def test_none_is_an_empty_table_without_librosa(three) -> None:
    """Without `separate.stems` the tables are empty, no track is decoded, and nothing heavy is imported."""
    code = (
        "import sys; from pathlib import Path; from soundatlas.params import load_params\n"
        "from soundatlas.stages import separate\n"
        "separate.run(Path.cwd(), load_params(Path('params.yaml')))\n"
        "sys.exit(' '.join({'tensorflow', 'keras', 'librosa', 'sklearn'} & set(sys.modules)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=three, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"separate: log-mels: {NOTHING}\n"
    assert sorted(files_of(three / "data/stems")) == ["failures.parquet", "manifest.parquet"]
    assert sorted(files_of(three / "data/stem_audio")) == ["failures.parquet"]
