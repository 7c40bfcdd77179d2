"""A program that has itself copied as two workers, gives them some items, and tells what became of these as JSON.

Arguments: how many threads it has beside the first one when it should be copied, and the items.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import psutil
import worker_functions

from soundatlas.child_process import copies_with
from soundatlas.workers import early_workers, map_in_workers

SECONDS = 30.0  # that no healthy item takes
PRELOAD = ("worker_functions", "numpy", "no such module")


def main() -> None:
    """Run it."""
    threads, items = int(sys.argv[1]), sys.argv[2:]
    done = threading.Event()
    for _ in range(threads):
        threading.Thread(target=done.wait).start()
    before = set(sys.modules)
    with early_workers(*PRELOAD, workers=2):
        imported = "numpy" in set(sys.modules) - before
        children = {child.pid for child in psutil.Process().children()}
        items = ["which process", *items]
        first, *outcomes = map_in_workers(worker_functions.behave, items, timeout_seconds=SECONDS, workers=2)
    told = [outcome.value or [outcome.failure.reason, outcome.failure.message] for outcome in outcomes]
    found = {
        "told": told,
        "imported": imported,
        "began with a child": first.value in children,
        "blas": os.environ.get("OPENBLAS_NUM_THREADS"),
        "copies with NumPy's threads": len(copies_with((), 1)),
    }
    json.dump(found, sys.stdout)
    done.set()


if __name__ == "__main__":
    main()
