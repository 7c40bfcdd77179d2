"""One DVC command as it runs, its output cut into one section per stage."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Self

from soundatlas.errors import SoundatlasError
from soundatlas.supervise import start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

HEADER = re.compile(
    r"^(?:Running stage '(?P<runs>[^']+)':"
    r"|Stage '(?P<same>[^']+)' (?P<why>didn't change, skipping|is cached - skipping run, checking out outputs))$"
)
STAGE_IS_DONE = re.compile(r"^(?:Generating|Updating) lock file '")
KEPT_LINES = 15


class DvcFailedError(SoundatlasError):
    """A DVC command failed; the message has its last lines and the command that repeats it."""


class Section:
    """The output of one stage, as it appears.

    Attributes:
        stage: its name.
        skipped: DVC's reason not to run it, or an empty string.
    """

    def __init__(self, run: DvcRun, stage: str, skipped: str) -> None:
        self._run = run
        self.stage = stage
        self.skipped = skipped

    def lines(self) -> Iterator[str]:
        """Yield the stage's lines as they appear; the section ends where the next stage starts.

        Raises:
            DvcFailedError: when the stage failed.
        """
        for line in self._run.read():
            if HEADER.match(line):
                self._run.unread(line)
                return
            if STAGE_IS_DONE.match(line):
                return
            if line:
                yield line
        self._run.check(self.stage)


class DvcRun:
    """A DVC command and all that it starts; leaving the block ends them, and so does the end of this process.

    Args:
        root: the project.
        arguments: DVC's, for example `["repro", "train"]`.
    """

    def __init__(self, root: Path, arguments: Sequence[str]) -> None:
        self.root = root
        self.arguments = list(arguments)
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._unread: list[str] = []

    @property
    def command(self) -> str:
        """The command, as one would type it."""
        return shlex.join(["dvc", *self.arguments])

    def __enter__(self) -> Self:
        # --wait-for-lock: somebody's `dvc status` in a terminal must not fail a run.
        command = [sys.executable, "-u", "-m", "dvc", "--wait-for-lock", *self.arguments]
        self._process = start(command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def sections(self) -> Iterator[Section]:
        """Yield a section per stage, in the order in which DVC comes to them.

        Raises:
            DvcFailedError: when DVC fails outside a stage.
        """
        for line in self.read():
            if found := HEADER.match(line):
                self._kept.clear()
                section = Section(self, found["runs"] or found["same"], found["why"] or "")
                yield section
        self.check()

    def read(self) -> Iterator[str]:
        """Yield the lines that nobody has read yet."""
        assert self._process.stdout is not None  # noqa: S101 - for the type checker; it was asked for above
        while True:
            if self._unread:
                yield self._unread.pop()
                continue
            if not (raw := self._process.stdout.readline()):
                return
            line = raw.decode(errors="replace").rstrip()
            if line and not STAGE_IS_DONE.match(line):
                self._kept.append(line)
            yield line

    def unread(self, line: str) -> None:
        """Put a line back for the next reader."""
        self._unread.append(line)

    def check(self, stage: str | None = None) -> None:
        """Look at the exit code, once the output has ended.

        Raises:
            DvcFailedError: when it is not 0.
        """
        if self._process.wait() == 0:
            return
        said = "\n".join(self._kept)
        repeat = f"dvc repro {stage}" if stage and self.arguments[0] == "repro" else self.command
        what = f"stage {stage}" if stage else self.command
        raise DvcFailedError(f"{what} failed:\n{said}\nRepeat it with: {repeat}")
