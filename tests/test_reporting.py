"""The last word of a command that fails."""

from __future__ import annotations

import errno

import pytest

from soundatlas.errors import SoundatlasError
from soundatlas.reporting import reporting_faults


@pytest.mark.parametrize(
    "error", [SoundatlasError("no \x1b[31mx"), OSError(errno.EACCES, "not allowed", "no \x1b[31mx")]
)
def test_no_control_character_reaches_the_terminal(error, capsys):
    """A file's name may hold what a terminal obeys: in a fault it is shown, not obeyed."""
    with pytest.raises(SystemExit) as caught, reporting_faults():
        raise error
    told = capsys.readouterr().err
    assert caught.value.code == 1
    assert told.startswith("soundatlas: no \N{REPLACEMENT CHARACTER}[31mx")
