"""Stage `spectrograms`: how many failures are too many."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import SoundatlasError, TooManyFailuresError
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
