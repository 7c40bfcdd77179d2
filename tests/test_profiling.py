"""Where time and memory went."""

from __future__ import annotations

import cProfile
import json

import numpy as np
import pytest
import soundfile
import worker_functions
from rich.console import Console

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import sha256_file
from soundatlas.profiling import OTHER, STEPS, Measured, Profile, profile_table, profiled, step_seconds
from soundatlas.store.jobs import Job, compute
from soundatlas.workers import retrying

FRONT_END = FrontEnd(16_000, 512, 256, 32, 0.0, 8_000.0, 0.1, 60.0)


@pytest.fixture
def job(tmp_path) -> Job:
    """Give a clip of 20 s that must be resampled."""
    samples = np.random.default_rng(0).normal(0, 0.1, (20 * 44_100, 2))
    soundfile.write(tmp_path / "clip.wav", samples, 44_100)
    return Job(sha256_file(tmp_path / "clip.wav"), tmp_path, "clip.wav", FRONT_END)


def test_the_time_of_a_track_is_told_step_by_step(job):
    """Decoding, resampling, transform and hash each take some of it; together they are all of what was profiled."""
    profiler = cProfile.Profile()
    profiler.runcall(compute, job)
    seconds = step_seconds(profiler)
    assert seconds.keys() <= set(STEPS)
    assert all(seconds[step] > 0 for step in ("decode", "resample", "FFT and mel", "hash"))
    assert sum(seconds.values()) == pytest.approx(sum(entry.inlinetime for entry in profiler.getstats()))


def test_a_measured_function_gives_the_same_value(job):
    """The profiler changes no number, and the process's use of processor and memory comes along."""
    measurement = Measured(compute)(job)
    assert np.array_equal(measurement.value.log_mel, compute(job).log_mel)
    assert measurement.cpu_seconds > 0
    assert measurement.peak_bytes > 1_000_000


def recursion(depth: int) -> int:
    """Call itself, which belongs to no step."""
    return depth if depth == 0 else recursion(depth - 1)


def test_what_belongs_to_no_step_is_other():
    """Code of nobody's that calls itself does not lead round in circles."""
    profiler = cProfile.Profile()
    profiler.runcall(recursion, 5)
    assert step_seconds(profiler).keys() == {OTHER}


def test_outcomes_come_as_if_nobody_measured():
    """Values, failures and attempts are those of the workers; what went well is counted."""
    profile, items = Profile(), ["fine", "track error", "also fine"]
    plain = list(retrying(0)(worker_functions.behave, items, timeout_seconds=120, workers=1))
    measured = list(profiled(profile, retrying(0))(worker_functions.behave, items, timeout_seconds=120, workers=1))
    assert [each.value for each in measured] == [each.value for each in plain]
    assert [str(each.failure) for each in measured] == [str(each.failure) for each in plain]
    told = profile.as_json()
    assert (told["tracks"], told["workers"]) == (2, 1)
    main = told["main_seconds"]
    assert main["starting"] > 0
    assert sum(main.values()) <= told["wall_seconds"]


def test_without_a_profile_nothing_is_measured():
    """Whoever does not ask gets the very same function."""
    map_jobs = retrying(1)
    assert profiled(None, map_jobs) is map_jobs


def test_a_report_is_a_table_and_a_file(tmp_path, capsys):
    """The file holds the numbers that the table shows; of no tracks too."""
    profile = Profile()
    profile.report(tmp_path / "profile.json")
    assert "0 tracks" in capsys.readouterr().out
    told = json.loads((tmp_path / "profile.json").read_text())
    assert told["tracks"] == 0
    told |= {"tracks": 4, "worker_seconds": {"decode": 3.0, "hash": 1.0, "imports": 0.0001}}
    console = Console(width=120)
    with console.capture() as capture:
        console.print(profile_table(told))
    lines = [line for line in capture.get().splitlines() if "workers" in line]
    assert any("decode" in line and "750.00" in line and "75%" in line for line in lines)
    assert not any("imports" in line for line in lines)


def test_work_of_a_runner_is_no_row_of_zeros(tmp_path, capsys):
    """Where a cluster did the work, one line says that nothing was measured here, and no file says otherwise."""
    profile = Profile(runner="DaskRunner")
    profile.report(tmp_path / "profile.json")
    assert capsys.readouterr().out == (
        "profile: nothing was measured here: DaskRunner did the work, and measures itself; "
        f"{tmp_path / 'profile.json'} was not written\n"
    )
    assert not (tmp_path / "profile.json").exists()
    profile.report(None)
    assert capsys.readouterr().out.endswith("measures itself\n")
