"""Where a run's time and memory went: step by step within the workers, and in the process that waits for them.

The workers are measured by Python's own profiler, and its rows are put together by the library that they belong to. So
a run that nobody profiles pays nothing, and the code that is measured knows nothing of it.
"""

from __future__ import annotations

import cProfile
import os
import resource
import sys
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from soundatlas.files import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from pathlib import Path
    from types import CodeType

    from rich.table import Table

    from soundatlas.attempts import MapJobs, Outcome

    Code = CodeType | str  # a built-in function has only a name

Item = TypeVar("Item")
Value = TypeVar("Value")

# Part of a file's path, and of which step its code is; the first that fits. What fits none is its caller's.
PLACES = (
    ("/soxr/", "resample"),
    ("/soundfile.py", "decode"),
    ("/soundatlas/audio/decode.py", "decode"),
    ("/numpy/fft/", "FFT and mel"),
    ("/soundatlas/audio/log_mel.py", "FFT and mel"),
    ("/soundatlas/audio/mel.py", "FFT and mel"),
    ("/soundatlas/audio/spectrogram.py", "FFT and mel"),
    ("/soundatlas/files.py", "hash"),
    ("/soundatlas/learning/", "network"),
    ("/ai_edge_litert/", "network"),
    ("<frozen importlib", "imports"),
)
OTHER = "other"
STEPS = ("decode", "resample", "FFT and mel", "hash", "network", "imports", OTHER)
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of `ru_maxrss`
BYTES_PER_MEGABYTE = 1_000_000
SHOWN_FROM_SHARE = 0.005


@dataclass(frozen=True)
class Measurement(Generic[Value]):
    """What one item came to, and what that took.

    Attributes:
        value: of the measured function.
        seconds: step -> seconds in it.
        process: the worker's id.
        cpu_seconds: of the worker since its start.
        peak_bytes: of the worker's memory since its start.
    """

    value: Value
    seconds: dict[str, float]
    process: int
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Measured(Generic[Item, Value]):
    """A function that is measured where it runs: picklable, for a worker."""

    function: Callable[[Item], Value]

    def __call__(self, item: Item) -> Measurement[Value]:
        """Apply the function under the profiler."""
        profiler = cProfile.Profile()
        value = profiler.runcall(self.function, item)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_BYTES
        return Measurement(value, step_seconds(profiler), os.getpid(), cpu, peak)


def step_seconds(profiler: cProfile.Profile) -> dict[str, float]:
    """Return step -> seconds of what a profiler saw: each function's own time, where it or its callers belong."""
    entries = cast("list[Any]", profiler.getstats())
    callers: defaultdict[Code, dict[Code, float]] = defaultdict(dict)
    for entry in entries:
        for callee in entry.calls or ():
            callers[callee.code][entry.code] = callee.totaltime
    known: dict[Code, dict[str, float]] = {}
    seconds: defaultdict[str, float] = defaultdict(float)
    for entry in entries:
        for step, share in _shares(entry.code, callers, known).items():
            seconds[step] += share * entry.inlinetime
    return dict(seconds)


def _shares(
    code: Code, callers: Mapping[Code, Mapping[Code, float]], known: dict[Code, dict[str, float]]
) -> dict[str, float]:
    """Return to which steps a function belongs, and by which share: its own, or those of its callers.

    Args:
        code: of the function.
        callers: function -> who called it, and for how many seconds.
        known: shares that were found already; added to.
    """
    if code in known:
        return known[code]
    known[code] = {OTHER: 1.0}  # for what calls itself
    called_by = callers.get(code, {})
    if (own := _place(code)) is not None:
        known[code] = {own: 1.0}
    elif whole := sum(called_by.values()):
        found: defaultdict[str, float] = defaultdict(float)
        for caller, seconds in called_by.items():
            for step, share in _shares(caller, callers, known).items():
                found[step] += share * seconds / whole
        known[code] = dict(found)
    return known[code]


def _place(code: CodeType | str) -> str | None:
    """Return the step that a function belongs to by its file; None for a built-in one and for other libraries."""
    if isinstance(code, str):
        return None
    if code.co_name == "_resample":
        return "resample"
    return next((step for part, step in PLACES if part in code.co_filename.replace(os.sep, "/")), None)


@dataclass
class Profile:
    """Where the time and memory of one run went.

    Attributes:
        began: by `time.perf_counter`.
        seconds: step -> seconds in it, of all workers together.
        tracks: how many were measured.
        starting_seconds: until the first worker was at its first track.
        waiting_seconds: in which the main process waited for workers, the start included.
        storing_seconds: in which it put away what they had computed.
        workers: process id -> CPU seconds, and peak memory in bytes.
        runner: of Beam, where one did the work; then nothing of it was measured here.
    """

    began: float = field(default_factory=time.perf_counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tracks: int = 0
    starting_seconds: float | None = None
    waiting_seconds: float = 0.0
    storing_seconds: float = 0.0
    workers: dict[int, tuple[float, int]] = field(default_factory=dict)
    runner: str | None = None

    def add(self, measurement: Measurement[Any]) -> None:
        """Add what one track took."""
        self.tracks += 1
        for step, seconds in measurement.seconds.items():
            self.seconds[step] += seconds
        self.workers[measurement.process] = (measurement.cpu_seconds, measurement.peak_bytes)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-like values, with what the main process took until now."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "tracks": self.tracks,
            "wall_seconds": time.perf_counter() - self.began,
            "worker_seconds": {step: self.seconds[step] for step in STEPS if self.seconds[step]},
            "main_seconds": {
                "starting": self.starting_seconds or 0.0,
                "waiting": self.waiting_seconds - (self.starting_seconds or 0.0),
                "storing": self.storing_seconds,
            },
            "cpu_seconds": {
                "main": usage.ru_utime + usage.ru_stime,
                "workers": sum(cpu for cpu, _ in self.workers.values()),
            },
            "peak_bytes": {
                "main": usage.ru_maxrss * MAXRSS_BYTES,
                "largest_worker": max((peak for _, peak in self.workers.values()), default=0),
            },
            "workers": len(self.workers),
        }

    def report(self, path: Path | None) -> None:
        """Print it as a table, and write it to a JSON file where one is named; or say why there is none."""
        if self.runner is not None:
            unwritten = "" if path is None else f"; {path} was not written"
            print(f"profile: nothing was measured here: {self.runner} did the work, and measures itself{unwritten}")  # noqa: T201 - the report
            return
        from rich.console import Console

        told = self.as_json()
        if path is not None:
            write_json(path, told)
        Console().print(profile_table(told))


def profile_table(told: dict[str, Any]) -> Table:
    """Return a profile for a terminal."""
    from rich.table import Table

    tracks = told["tracks"]
    shown = Table(title=f"Where the time went: {tracks} tracks, {told['workers']} workers", title_justify="left")
    shown.add_column("in")
    shown.add_column("step")
    for name in ("seconds", "ms per track", "share"):
        shown.add_column(name, justify="right")
    whole = sum(told["worker_seconds"].values())
    for step, seconds in told["worker_seconds"].items():
        if seconds / whole < SHOWN_FROM_SHARE:
            continue
        shown.add_row("workers", step, f"{seconds:.2f}", f"{1000 * seconds / tracks:.2f}", f"{seconds / whole:.0%}")
    shown.add_section()
    wall = told["wall_seconds"]
    names = {"starting": "workers start", "waiting": "waiting for workers", "storing": "storing: shards and tables"}
    rows = {label: told["main_seconds"][name] for name, label in names.items()}
    rows["before and after"] = max(0.0, wall - sum(rows.values()))
    for label, seconds in rows.items():
        shown.add_row("main", label, f"{seconds:.2f}", "", f"{seconds / wall:.0%}")
    shown.add_row("main", "wall time", f"{wall:.2f}", f"{1000 * wall / tracks:.2f}" if tracks else "", "100%")
    shown.add_section()
    for where, label in (("workers", "workers"), ("main", "main")):
        shown.add_row(where, "CPU time", f"{told['cpu_seconds'][label]:.2f}", "", "")
    for where, label in (("workers", "largest_worker"), ("main", "main")):
        peak = told["peak_bytes"][label] / BYTES_PER_MEGABYTE
        shown.add_row(where, f"peak memory: {peak:.0f} MB{' (the largest)' if where == 'workers' else ''}")
    return shown


def profiled(profile: Profile | None, map_jobs: MapJobs) -> MapJobs:
    """Return `map_jobs`, measured where there is a profile to add to."""
    if profile is None:
        return map_jobs

    def measure(
        function: Callable[[Item], Value], items: Iterable[Item], *, timeout_seconds: float, workers: int | None = None
    ) -> Generator[Outcome[Item, Value], None, None]:
        measured = map_jobs(Measured(function), items, timeout_seconds=timeout_seconds, workers=workers)
        return _adding(profile, measured)

    return measure


def _adding(
    profile: Profile, measured: Generator[Outcome[Item, Measurement[Value]], None, None]
) -> Generator[Outcome[Item, Value], None, None]:
    """Yield the outcomes as nobody had measured them, and add to the profile what they took."""
    left = time.perf_counter()
    began = time.time()
    with closing(measured) as outcomes:
        for outcome in outcomes:
            came = time.perf_counter()
            profile.waiting_seconds += came - left
            if profile.starting_seconds is None and outcome.attempts:
                profile.starting_seconds = max(0.0, outcome.attempts[0].began - began)
            if outcome.value is not None:
                profile.add(outcome.value)
            value = None if outcome.value is None else outcome.value.value
            try:
                yield cast("Outcome[Item, Value]", replace(cast("Any", outcome), value=value))
            finally:  # the last shard is written before the caller closes this
                left = time.perf_counter()
                profile.storing_seconds += left - came
        profile.waiting_seconds += time.perf_counter() - left
