"""Running a Beam pipeline on the runner that `params.yaml` names."""

from __future__ import annotations

import logging
import math
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from soundatlas.errors import NotReadyError, ParamsError, SoundatlasError, describe_error
from soundatlas.scale.guards import stop_guards
from soundatlas.workers import worker_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soundatlas.params import EngineParams

# `DirectRunner` would first fetch a program from the network (Prism); its part that is written in Python needs none.
# Beam knows its runner for Dask by its full name only.
FULL_NAMES = {
    "DirectRunner": "apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "DaskRunner": "apache_beam.runners.dask.dask_runner.DaskRunner",
}
# The former has no source without end; of the sources of Beam, this one has Pub/Sub.
WITHOUT_END = {"DirectRunner": "apache_beam.runners.direct.direct_runner.BundleBasedDirectRunner"}
MOST_PARTITIONS = 256  # of Dask's bags: each is a task, and one that groups them takes tasks for every pair of them
JOB_SERVER = "apache_beam.runners.portability.job_server"
FETCH = "its job server needs Java, and its jar or the network to fetch it; or name in engine.options"
# Of a runner with a cluster: the module by which it reaches that, and what to do when it does not.
REACHING = {
    "DaskRunner": ("distributed.comm.core", "start its scheduler, or correct --dask_client_address in engine.options"),
    "FlinkRunner": (JOB_SERVER, f"{FETCH} --flink_job_server_jar=FILE or --job_endpoint=HOST:PORT"),
    "SparkRunner": (JOB_SERVER, f"{FETCH} --spark_job_server_jar=FILE or --job_endpoint=HOST:PORT"),
}
INSTALL = "install it with `make setup` or `pip install 'soundatlas[beam]'`, or set engine.kind: local"


def run_pipeline(
    build: Callable[[Any], object], engine: EngineParams, *, units: int = 1, without_end: bool = False
) -> None:
    """Build a pipeline, run it, and return when all of it is done.

    Args:
        build: is given the `beam.Pipeline` to fill; what it builds must end in one transform, since Beam's DaskRunner
            computes what the last one needs.
        engine: the runner and its options.
        units: how many pieces of work there are.
        without_end: whether its source has no end; then it runs until it is interrupted.

    Raises:
        NotReadyError: when Beam, or what the runner needs, is not installed, or its cluster cannot be reached.
        ParamsError: when the runner lacks an option.
        SoundatlasError: when the runner says that the job did not end well; what a worker raised comes as it is.
    """
    if without_end:
        pipeline = _pipeline(engine, ["--streaming", *engine.options], FULL_NAMES | WITHOUT_END)
    else:
        pipeline = _pipeline(engine, runner_options(engine, units), FULL_NAMES)
    build(pipeline)
    result = _start(pipeline, engine.runner)
    try:
        state = result.wait_until_finish()
    finally:
        stop_guards()
        if (client := getattr(result, "client", None)) is not None:
            client.close()  # Dask's, with the local cluster that it may have started
    if state not in {None, "DONE"}:
        raise SoundatlasError(f"the job ended as {state} on {engine.runner}: its log says why; what is done stays")


def _pipeline(engine: EngineParams, options: list[str], names: dict[str, str]) -> Any:
    beam = import_beam()
    from apache_beam.options.pipeline_options import PipelineOptions

    try:
        if engine.runner == "DaskRunner":
            _import_dask()
        return beam.Pipeline(runner=names.get(engine.runner, engine.runner), options=PipelineOptions(options))
    except ImportError as error:
        raise NotReadyError(f"{engine.runner} needs a package that is not installed ({error})") from None
    except ValueError as error:  # Beam names the options that the runner cannot do without
        told = "; ".join(line.strip().rstrip(".") for line in str(error).splitlines() if line.strip())
        raise ParamsError(f"engine.options do not suit {engine.runner}: {told}") from None


def _start(pipeline: Any, runner: str) -> Any:
    """Hand a pipeline over to its runner, and return what Beam knows of the job."""
    try:
        return pipeline.run()
    except Exception as error:
        module, todo = REACHING.get(runner, (None, ""))
        if all(frame.f_globals["__name__"] != module for frame, _ in traceback.walk_tb(error.__traceback__)):
            raise  # it had reached the cluster, or needs none: the fault is another
        raise NotReadyError(f"{runner} does not start ({describe_error(error)}): {todo}") from error


def runner_options(engine: EngineParams, units: int) -> list[str]:
    """Return Beam's options: the user's, and ours where they say nothing about the same.

    Args:
        engine: the runner and its options.
        units: how many pieces of work there are.
    """
    ours = {}
    if engine.runner == "DirectRunner":
        ours = {"--direct_running_mode": "multi_threading", "--direct_num_workers": str(worker_count())}
    elif engine.runner == "DaskRunner":
        ours = {"--dask_partition_size": str(math.ceil(units / MOST_PARTITIONS) or 1)}  # Beam's 128 is one task for all
    named = {option.partition("=")[0] for option in engine.options}
    if "--dask_npartitions" in named:
        ours.pop("--dask_partition_size", None)
    return [*engine.options, *(f"{name}={value}" for name, value in ours.items() if name not in named)]


def _import_dask() -> None:
    with _quiet():
        import distributed  # noqa: F401 - which sets its logging up when it is imported
    logging.getLogger("distributed").setLevel(logging.WARNING)


def import_beam() -> Any:
    """Return the package `apache_beam`.

    Raises:
        NotReadyError: when it is not installed.
    """
    try:
        with _quiet():
            import apache_beam
    except ImportError:
        raise NotReadyError(f"engine.kind is beam, and Apache Beam is not installed: {INSTALL}") from None
    return apache_beam


@contextmanager
def _quiet() -> Iterator[None]:
    """Let an import log nothing: Beam warns of packages that nobody asked for, and sets logging up by that."""
    handlers, level = logging.root.handlers[:], logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        logging.root.handlers[:] = handlers
