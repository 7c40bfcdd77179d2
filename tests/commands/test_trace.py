"""`soundatlas trace`: what was done to one track."""

from __future__ import annotations

import json

import tiny_project

from soundatlas.attempts import Attempt
from soundatlas.errors import TrackError
from soundatlas.history.audit import Step, open_audit


def test_a_trace_is_told_in_order(project, command):
    """Attempts with outcome and time, and which one it was where it was tried again."""
    sha = tiny_project.write_catalogue(project)["audio_sha256"].iloc[2]
    failed = Attempt(1_700_000_000.0, 60.0, TrackError("timeout", "took \x1b[31mlong"))
    with open_audit(project, "spectrograms") as trail:
        trail.note(Step("spectrogram", "c" * 64), [(sha, (failed, Attempt(1_700_000_060.0, 0.25, None)))])
    code, out, _ = command(project, "trace", "piece 2")
    assert code == 0
    assert f"sha256 {sha}" in out
    assert "\x1b" not in out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [row[:5] for row in rows] == [
        ["2023-11-14 22:13:20", "spectrogram", "timeout", "60.000", "spectrograms"],
        ["2023-11-14 22:14:20", "spectrogram", "computed, attempt 2", "0.250", "spectrograms"],
    ]
    told = json.loads(command(project, "trace", "demo:02", "--json")[1])
    assert [each["outcome"] for each in told["happenings"]] == ["timeout", "computed"]
    assert told["audio_sha256"] == sha


def test_nothing_is_told_of_what_nobody_did(project, command):
    """A track that no step was done to says so; a name that nothing has is a usage fault."""
    tiny_project.write_catalogue(project)
    code, out, _ = command(project, "trace", "demo:02")
    assert (code, "nothing was done to it" in out) == (0, True)
    code, _, err = command(project, "trace", "nobody")
    assert (code, "nobody is no track_id" in err) == (2, True)
