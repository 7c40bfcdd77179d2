"""Progress of long work, on a terminal and in a log."""

from __future__ import annotations

import io
import sys

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


def test_a_bar_shows_a_name_as_it_is(monkeypatch):
    """On a terminal, brackets in what is being done are text and no markup."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress("asking for Air [/live]", 2) as advance:
        advance(1)
    assert "asking for Air [/live]" in sys.stderr.getvalue()
