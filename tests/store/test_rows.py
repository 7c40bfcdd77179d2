"""The manifest's row of a spectrogram."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from soundatlas.audio.spectrogram import Spectrogram
from soundatlas.store.rows import describe_spectrogram
from soundatlas.tables import MANIFEST


@pytest.fixture
def spectrogram():
    """Give a spectrogram of noise."""
    log_mel = np.random.default_rng(3).normal(-40, 10, (4, 5)).astype(np.float32)
    return Spectrogram(log_mel, 0.064, 44_100, 2)


def test_manifest_row_describes_the_spectrogram(spectrogram) -> None:
    """The row says what was seen, in plain values that JSON keeps, and fills the manifest's columns."""
    row = describe_spectrogram("2-bits-1.safetensors", spectrogram).row
    assert {"audio_sha256", "front_end", *row} == set(MANIFEST)
    assert json.loads(json.dumps(row)) == row
    assert (row["shard"], row["frames"]) == ("2-bits-1.safetensors", 4)
    assert (row["source_sample_rate"], row["channels"]) == (44_100, 2)
    assert row["min_db"] == spectrogram.log_mel.min()
    assert row["max_db"] == spectrogram.log_mel.max()
    assert row["mean_db"] == pytest.approx(spectrogram.log_mel.mean(), rel=1e-6)
    assert row["finite"] is True


def test_spectrogram_with_infinity_is_marked(spectrogram) -> None:
    """Validation learns from the row that a spectrogram cannot be learned from."""
    spectrogram.log_mel[2, 2] = np.inf
    assert describe_spectrogram("2-bits-1.safetensors", spectrogram).row["finite"] is False


def test_handing_out_jobs_waits_for_no_library() -> None:
    """Nothing that takes long to import is imported before the workers have their first tracks."""
    slow = {"numpy", "pandas", "pyarrow", "scipy", "soundfile", "soxr"}
    program = f"import sys, soundatlas.store.writing; print(*sorted({slow} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).split() == []
