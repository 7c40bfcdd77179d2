"""Running a pipeline: which options Beam gets, and what is said when it cannot run."""

from __future__ import annotations

import sys

import pytest

from soundatlas.errors import NotReadyError, ParamsError, SoundatlasError
from soundatlas.params import EngineParams
from soundatlas.scale import runners
from soundatlas.scale.runners import import_beam, run_pipeline, runner_options


def engine(runner: str, *options: str) -> EngineParams:
    """Return an engine with these options."""
    return EngineParams(kind="beam", runner=runner, options=list(options), place=None)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (engine("DirectRunner"), ["--direct_running_mode=multi_threading", "--direct_num_workers=3"]),
        (
            engine("DirectRunner", "--direct_num_workers=1"),
            ["--direct_num_workers=1", "--direct_running_mode=multi_threading"],
        ),
        (engine("DaskRunner"), ["--dask_partition_size=2"]),
        (engine("DaskRunner", "--dask_npartitions=7"), ["--dask_npartitions=7"]),
        (
            engine("DataflowRunner", "--region=europe-west1", "--streaming"),
            ["--region=europe-west1", "--streaming"],
        ),
    ],
)
def test_options_are_the_users_and_ours_where_he_says_nothing(chosen, expected, monkeypatch):
    """What the user says of a runner goes to it as it is; our own defaults fill the rest."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "3")
    assert runner_options(chosen, units=300) == expected


def test_missing_package_says_how_to_get_it(monkeypatch):
    """Without Beam there is one line with what to install, and exit code 3."""
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(NotReadyError, match=r"Apache Beam is not installed: .*'soundatlas\[beam\]'") as caught:
        import_beam()
    assert caught.value.exit_code == 3


def test_runner_whose_package_is_missing_is_named(monkeypatch):
    """A runner that needs more than Beam itself is named, with what it needs."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NotReadyError, match=r"DaskRunner needs a package .*distributed"):
        run_pipeline(lambda _: None, engine("DaskRunner"), units=1)


def test_option_that_a_runner_cannot_do_without_is_named():
    """What Beam finds missing is one line, and a fault of the parameters."""
    places = ("--temp_location=gs://bucket/temporary", "--staging_location=gs://bucket/staging")
    with pytest.raises(ParamsError, match=r"engine\.options do not suit DataflowRunner: .*required option: project"):
        run_pipeline(lambda _: None, engine("DataflowRunner", *places), units=1)


def test_job_that_ends_otherwise_than_well_is_a_fault(monkeypatch):
    """A runner that says so of its job is believed."""
    beam = import_beam()

    class Ended:
        def wait_until_finish(self) -> str:
            return "FAILED"

    monkeypatch.setattr(beam.Pipeline, "run", lambda _: Ended())
    with pytest.raises(SoundatlasError, match="the job ended as FAILED on DirectRunner"):
        run_pipeline(lambda _: None, engine("DirectRunner"), units=1)


def test_what_a_worker_raises_reaches_the_caller():
    """A fault in a transform is no silence: its words arrive."""
    beam = import_beam()

    def build(pipeline):
        return pipeline | beam.Create([0]) | beam.Map(lambda number: 1 / number)

    with pytest.raises(Exception, match="division by zero"):
        run_pipeline(build, engine("DirectRunner"), units=1)


@pytest.mark.parametrize(
    ("runner", "options", "said"),
    [
        ("DaskRunner", ["--dask_client_address=tcp://127.0.0.1:1", "--dask_connection_timeout=1"], "its scheduler"),
        ("FlinkRunner", ["--flink_job_server_jar=/nowhere.jar"], "--flink_job_server_jar=FILE"),
        ("SparkRunner", ["--job_endpoint=127.0.0.1:1", "--job-server-timeout=1"], "--job_endpoint=HOST:PORT"),
    ],
)
def test_cluster_that_cannot_be_reached_is_one_line(runner, options, said):
    """Where nobody listens, or no job server can be started, the runner is named and what to do, with exit code 3."""
    beam = import_beam()
    with pytest.raises(NotReadyError, match=rf"^{runner} does not start \(.+\): .*{said}") as caught:
        run_pipeline(lambda pipeline: pipeline | beam.Create([0]), engine(runner, *options), units=1)
    assert "\n" not in str(caught.value)


def test_fault_past_the_start_is_itself(monkeypatch):
    """An error of the same kind that a runner raises elsewhere is not taken for a cluster out of reach."""
    beam = import_beam()

    def fail(_):
        raise OSError("a bug")

    monkeypatch.setattr(beam.Pipeline, "run", fail)
    with pytest.raises(OSError, match="a bug"):
        run_pipeline(lambda _: None, engine("DaskRunner"), units=1)


def test_importing_beam_leaves_logging_alone():
    """Beam's import neither prints nor adds a handler."""
    import logging

    assert runners.import_beam() is sys.modules["apache_beam"]
    assert logging.root.manager.disable == 0
