"""Processes for the tests of supervision, each writing the ids of those it started into a file.

python process_family.py command PIDS [--stubborn | --polite] [--exit CODE]    a command that starts others
python process_family.py caller PIDS [--fork]                                  one who supervises such a command
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from soundatlas.supervise import start

SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]
ME = [sys.executable, __file__]


def write_pids(path: Path, pids: dict[str, int]) -> None:
    """Write the file whole, so that who waits for it reads all of it."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(pids), encoding="utf-8")
    beside.replace(path)


def say_goodbye(*_: object) -> None:
    """End well, after a while."""
    time.sleep(0.3)
    sys.stdout.write("goodbye\n")
    sys.exit(5)


def be_command(pids: Path, options: list[str]) -> None:
    """Start a child and one that leaves the session; end, wait, or refuse to end."""
    if "--stubborn" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--polite" in options:
        signal.signal(signal.SIGTERM, say_goodbye)
    child = subprocess.Popen(SLEEP)
    daemon = subprocess.Popen(SLEEP, start_new_session=True)
    write_pids(pids, {"command": os.getpid(), "child": child.pid, "daemon": daemon.pid})
    if "--exit" in options:
        sys.exit(int(options[options.index("--exit") + 1]))
    time.sleep(1000)


def be_caller(pids: Path, options: list[str]) -> None:
    """Supervise a command until killed; with --fork, in company of a process that holds the leash as well."""
    supervisor = start([*ME, "command", str(pids.with_name("family.json"))])
    forked = 0
    if "--fork" in options:
        forked = os.fork()
        if forked == 0:
            time.sleep(1000)
    write_pids(pids, {"supervisor": supervisor.pid, "forked": forked})
    time.sleep(1000)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    (be_command if role == "command" else be_caller)(Path(where), rest)
