"""Progress of long work, where there is no terminal."""

from __future__ import annotations

from soundatlas.progress import progress


def test_progress_without_a_terminal_is_a_line_a_tenth(capfd):
    """A log gets at most ten lines, the last at 100 %; nothing to do says nothing."""
    with progress("rendering", 25) as advance:
        for _ in range(25):
            advance(1)
    with progress("rendering", 0) as advance:
        advance(1)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "rendering: 100 %"
