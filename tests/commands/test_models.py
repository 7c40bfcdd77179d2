"""`soundatlas models`: the versions side by side."""

from __future__ import annotations

import json

from soundatlas.commands.models import comparison_lines
from soundatlas.registry.comparison import VersionRow


def test_before_any_model(project, command):
    """There is nothing to compare: said in one line."""
    code, out, err = command(project, "models")
    assert (code, out, err) == (0, "no version yet: `dvc repro` trains a model and registers it\n", "")


def test_versions_stand_side_by_side(judged, command):
    """Scores with intervals, the gate's decision, since when and why each was champion; names are text."""
    code, out, err = command(judged, "models")
    assert (code, err) == (0, "")
    for shown in ("version 3", "version 1", "champion", "0.50 [0.40, 0.60]", "refused", "[b]gate[/b] on 2"):
        assert shown in out
    rows = json.loads(command(judged, "models", "--json")[1])
    assert [(row["version"], row["is_champion"], row["decision"]) for row in rows] == [
        ("3", True, "promoted"),
        ("2", False, "refused"),
        ("1", False, "promoted"),
    ]
    assert rows[2]["champion_because"] == "promoted: [b]gate[/b] on 1"
    assert rows[1]["champion_since"] is None
    assert rows[0]["scores"]["genre"]["macro_f1_low"] == 0.4


def test_only_parameters_that_differ_have_a_line():
    """What is the same in all versions says nothing about them; what one lacks is an empty cell."""
    row = VersionRow("1", "a" * 64, False, None, None, None, None, {}, None, {"train.epochs": "4"}, 1.5, None, "r")
    other = VersionRow("2", None, True, "promoted", "r", "t", "w", {}, "d", {"train.epochs": "8"}, None, 2.0, "s")
    lines = dict(comparison_lines([other, row], ["train.epochs"]))
    assert lines["train.epochs"] == ["8", "4"]
    assert lines["megabytes"] == ["", "1.5"]
    assert lines["ms per clip"] == ["2", ""]
    assert lines["gate"] == ["promoted", "not judged"]
    assert lines["content"] == ["unknown", "a" * 12]
