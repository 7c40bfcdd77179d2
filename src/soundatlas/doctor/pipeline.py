"""The pipeline as DVC sees it: its stages, those that would run, and who holds its lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from soundatlas.doctor.finding import Finding, Status, one_line
from soundatlas.errors import SoundatlasError

RWLOCK = Path(".dvc/tmp/rwlock")
ALWAYS = "always changed"  # DVC's mark on a stage that runs every time
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")
STATUS_TIMEOUT_SECONDS = 60
CLOCK_SECONDS = 2.0  # the start of a process and the time of a file are read off two clocks
MOST_CHARACTERS = 80  # of a command line


def check_dvc_lock(root: Path) -> list[Finding]:
    """Say which process has locked files of the pipeline, and whether that is one of DVC at all.

    DVC itself drops the locks of processes that are gone. What it cannot know is that a killed run's number belongs
    to another program by now.
    """
    try:
        holders = _holders(root / RWLOCK)
    except (ValueError, TypeError, KeyError, AttributeError):
        todo = f"if no `dvc repro` is running, delete {RWLOCK}"
        return [Finding("dvc lock", Status.FAULT, f"{RWLOCK} is damaged, and DVC will not run", todo)]
    if not holders:
        return [Finding("dvc lock", Status.OK, "free")]
    return [_judge_holder(root, pid, command) for pid, command in sorted(holders.items())]


def check_stages(root: Path) -> list[Finding]:
    """Say how many stages there are, and which of them `dvc repro` would run."""
    from soundatlas.dag import read_stages

    try:
        count = f"{len(read_stages(root))} stages"
    except SoundatlasError as error:
        return [Finding("stages", Status.FAULT, str(error), "`dvc status` says more; correct what it names")]
    return [_compare(root, count)]


def _compare(root: Path, count: str) -> Finding:
    """Ask DVC which stages are stale."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "status", "--json"],
            cwd=root,
            env=os.environ | {"DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=STATUS_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{count}; `dvc status` took longer than {STATUS_TIMEOUT_SECONDS} s and was stopped"
        return Finding("stages", Status.WARNING, message, "run `dvc status` yourself: it may be hashing large files")
    if any(sign in done.stderr for sign in BUSY):
        return Finding("stages", Status.OK, f"{count}; not compared while DVC's lock is held")
    if done.returncode != 0:
        return Finding("stages", Status.FAULT, f"DVC says: {_last_line(done.stderr)}", "`dvc status` says more")
    if not (root / "dvc.lock").is_file():
        return Finding("stages", Status.OK, f"{count}, none of which has run here (no dvc.lock): `dvc repro` does")
    stale = _stale(json.loads(done.stdout))
    now = f"; `dvc repro` would run: {', '.join(stale)}" if stale else ", all up to date"
    return Finding("stages", Status.OK, f"{count}{now}")


def _stale(status: dict[str, list[Any]]) -> list[str]:
    """Return the stages that something has made stale, other than that they always run."""
    return [stage for stage, reasons in status.items() if ALWAYS not in reasons]


def _holders(path: Path) -> dict[int, str]:
    """Return who holds a read or write lock: process number and the command that it was."""
    if not path.is_file() or not path.stat().st_size:
        return {}
    locks = json.loads(path.read_text(encoding="utf-8"))
    writers = list(locks.get("write", {}).values())
    readers = [reader for of_path in locks.get("read", {}).values() for reader in of_path]
    return {int(holder["pid"]): str(holder["cmd"]) for holder in writers + readers}


def _judge_holder(root: Path, pid: int, command: str) -> Finding:
    import psutil

    try:
        process = psutil.Process(pid)
        name, words, began = process.name(), process.cmdline(), process.create_time()
        folder = Path(process.cwd())
    except psutil.ZombieProcess:  # gone, but DVC takes it for alive
        return _reused(pid, command, "a process that has ended and that its parent has not taken notice of")
    except psutil.AccessDenied:
        return _reused(pid, command, "a program that you may not look into")
    except psutil.NoSuchProcess:
        return Finding("dvc lock", Status.OK, f"left behind by a killed run (pid {pid}); DVC removes it itself")
    now = one_line(" ".join(words)) or name
    is_dvc = any("dvc" in word or "python" in word for word in words)
    is_here = folder == root or root in folder.parents
    is_older = began <= (root / RWLOCK).stat().st_mtime + CLOCK_SECONDS
    if is_dvc and is_here and is_older:
        return Finding("dvc lock", Status.OK, f"held by pid {pid}: {_cut(now)}")
    return _reused(pid, command, _cut(now))


def _reused(pid: int, command: str, now: str) -> Finding:
    message = f"held by pid {pid}, once `{one_line(command)}`, but that is now: {now}"
    return Finding("dvc lock", Status.WARNING, message, f"if no `dvc repro` is running, delete {RWLOCK}")


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return one_line(lines[-1].removeprefix("ERROR: ")) if lines else "nothing"
