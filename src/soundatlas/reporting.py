"""How a command ends: with one line and an exit code where a fault is known, never with a traceback."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from soundatlas.disk_faults import describe_disk_fault
from soundatlas.environment import quieten
from soundatlas.errors import SoundatlasError
from soundatlas.plain_text import printable_lines, spell_out_the_unwritable
from soundatlas.termination import ending_cleanly

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def reporting_faults() -> Iterator[None]:
    """Tell a known fault of the block, SIGTERM or Ctrl-C, in one line, and end with its exit code."""
    quieten()
    spell_out_the_unwritable()
    try:
        with ending_cleanly():
            yield
    except SoundatlasError as error:
        print(f"soundatlas: {printable_lines(str(error))}", file=sys.stderr)  # noqa: T201 - the command's last word
        sys.exit(error.exit_code)
    except OSError as error:
        if (said := describe_disk_fault(error)) is None:
            raise
        print(f"soundatlas: {printable_lines(said)}", file=sys.stderr)  # noqa: T201 - likewise
        sys.exit(SoundatlasError.exit_code)
