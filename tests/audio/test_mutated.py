"""Thousands of files that went wrong: each gives a spectrogram or the reason why not, within little memory."""

from __future__ import annotations

from collections import Counter

import pytest
from mutated_audio import FORMATS, FRONT_END, Mutant, analyse_mutant, write_originals

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.workers import map_in_workers

MUTANTS = 2_500
MOST_BYTES = 160 << 20  # of which the libraries take about 80 MiB
TIMEOUT_SECONDS = 120.0
RESULTS = {"spectrogram", "not_audio", "truncated", "no_samples", "not_finite", "too_short", "too_large"}


@pytest.mark.parametrize("seed", [7, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 108))])
def test_mutated_files_are_rows(seed, tmp_path) -> None:
    """No change of its bytes makes a file a crash, a hang, an unexpected error, infinity, or hundreds of megabytes."""
    write_originals(tmp_path)
    mutants = [Mutant(tmp_path, seed, number) for number in range(MUTANTS)]
    found: Counter[str] = Counter()
    faults, peak_bytes = [], 0
    for outcome in map_in_workers(analyse_mutant, mutants, timeout_seconds=TIMEOUT_SECONDS, workers=1):
        if outcome.value is not None:
            result = "spectrogram" if outcome.value.frames and outcome.value.finite else "junk"
            peak_bytes = outcome.value.peak_bytes  # so far: the worker is the same one, unless a file took it down
        else:
            result = outcome.failure.reason
        if result not in RESULTS:
            faults.append(f"seed {seed}, number {outcome.item.number}: {outcome.failure or outcome.value}")
        found[result] += 1
    assert faults == []
    assert set(found) >= {"spectrogram", "not_audio", "truncated"}, "the changes are too small or too large"
    assert 0 < peak_bytes < MOST_BYTES


def test_originals_are_spectrograms(tmp_path) -> None:
    """Nothing is wrong with the files before they are changed."""
    write_originals(tmp_path)
    assert {path.name: len(analyse_file(path, FRONT_END).log_mel) > 0 for path in tmp_path.iterdir()} == dict.fromkeys(
        FORMATS, True
    )
