"""The bench of spectrograms: what it makes, and when it says that a bar is reached."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import soundfile
from synthetic import CONTRACT, write_store

from benchmarks import store_reads
from benchmarks.clips import write_short_tracks
from benchmarks.spectrogram_runs import run
from benchmarks.spectrograms import Figure


@pytest.mark.parametrize(
    ("values", "bars", "passes"),
    [
        ([1.0, 5.0, 4.6], {"at_least": 4.5}, True),
        ([1.0, 4.4, 9.0], {"at_least": 4.5}, False),
        ([1.0, 1.6, 9.0], {"at_most": 1.6}, True),
        ([1.7], {"at_most": 1.6}, False),
        ([0.0], {}, True),
    ],
)
def test_median_decides_whether_a_bar_is_reached(values, bars, passes) -> None:
    """Neither the best nor the worst of the repeats does."""
    assert Figure("what", values, "x", **bars).passes() == passes


def test_short_tracks_differ_and_come_again(tmp_path) -> None:
    """Files are cut out of the rendered tracks, each another stretch, and the same ones in the next run."""
    source = tmp_path / "source.flac"
    soundfile.write(source, np.random.default_rng(0).normal(0, 0.1, 16_000), 8_000)
    contents = []
    for name in ("one", "two"):
        write_short_tracks(tmp_path / name, [source], count=5, seconds=0.5)
        contents.append([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.wav"))])
    assert contents[0] == contents[1]
    assert len(set(contents[0])) == 5
    assert soundfile.info(next((tmp_path / "one").rglob("*.wav"))).duration == 0.5


def test_windows_are_read_from_tracks_that_have_one(tmp_path, monkeypatch) -> None:
    """A track shorter than a window is left out, and a rate comes out."""
    monkeypatch.setattr(store_reads, "WINDOWS", 100)
    noise = np.random.default_rng(0).normal(-40, 10, (200, 16)).astype(np.float32)
    store = write_store(tmp_path, {"0" * 64: noise, "1" * 64: noise[:90], "2" * 64: noise[: store_reads.WINDOW_FRAMES]})
    assert store.contract_sha256 == CONTRACT
    assert store_reads.window_rate(tmp_path, 0) > 0


def test_new_files_are_found_among_the_known(tmp_path) -> None:
    """Each repeat adds one file, and all are listed."""
    (tmp_path / "files").mkdir()
    assert len(store_reads.listing_seconds(tmp_path / "files", 7, 2)) == 2
    assert len(list((tmp_path / "files").rglob("*.wav"))) == 9


def test_command_that_fails_ends_the_bench(tmp_path) -> None:
    """A rival that does not run is no figure."""
    assert run([sys.executable, "-c", "import time; time.sleep(0.1)"], tmp_path).main_megabytes > 0
    with pytest.raises(SystemExit, match="ended with code 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
