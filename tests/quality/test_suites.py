"""The committed suites, and what happens when a hand edit goes wrong."""

from __future__ import annotations

import json
import shutil

import pytest
from project_files import PROJECT

from soundatlas.errors import SoundatlasError
from soundatlas.quality.report import check
from soundatlas.quality.suites import read_suites, suite_parameters


@pytest.fixture
def project(tmp_path):
    """A project of which the suites may be edited."""
    shutil.copytree(PROJECT / "gx", tmp_path / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    return tmp_path


@pytest.fixture
def edit(project):
    """Return a function that edits the first expectation of a suite."""

    def apply(suite, **keys):
        path = project / "gx/expectations" / f"{suite}.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["expectations"][0] |= keys
        path.write_text(json.dumps(content), encoding="utf-8")

    return apply


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"severity": "mild"}, "severity is 'mild'"),
        ({"kwargs": {"min_value": {"$PARAMETER": "no_such"}}}, "no parameter 'no_such'"),
        ({"meta": {}}, "lacks a key"),
        ({"meta": {"rule": "track-id-unique"}}, "'track-id-unique' stands there twice"),
        ({"type": "expect_miracles"}, "catalog.json"),
        ({"kwargs": {"min_valeu": 1}}, "catalog.json"),
    ],
)
def test_wrong_edit_is_refused_by_name(keys, complaint, edit, project, clean, params):
    """A suite that cannot be evaluated stops the stage with the file's name; no rule is dropped in silence."""
    edit("catalog", **keys)
    with pytest.raises(SoundatlasError, match=r"^gx/expectations/catalog\.json") as caught:
        check(clean, params, project, None)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_json_and_missing_suites_are_refused(project, params):
    """A file that is no JSON, a missing one and a stranger are named."""
    folder = project / "gx/expectations"
    (folder / "extra.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SoundatlasError, match=r"extra\.json: no table of facts"):
        read_suites(project / "gx", suite_parameters(params))
    (folder / "extra.json").unlink()
    (folder / "split.json").write_text("{", encoding="utf-8")
    with pytest.raises(SoundatlasError, match=r"split\.json is not JSON"):
        read_suites(project / "gx", suite_parameters(params))
    (folder / "split.json").unlink()
    with pytest.raises(SoundatlasError, match=r"split\.json is missing"):
        read_suites(project / "gx", suite_parameters(params))


def test_rule_over_a_column_that_is_not_there_is_an_error(edit, project, clean, params):
    """A rule that cannot be evaluated counts as an error, even one that is only a warning when it can."""
    edit("classes", severity="warning", kwargs={"column": "no_such_column"})
    report = check(clean, params, project, None)
    [finding] = report.unmet("error")
    assert finding.broken
    assert "no_such_column" in finding.observed


def test_removed_rule_is_no_longer_evaluated(project, clean, params):
    """The JSON is the truth: a rule that the user removes is gone."""
    path = project / "gx/expectations/classes.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["expectations"] = content["expectations"][1:]
    path.write_text(json.dumps(content), encoding="utf-8")
    rules = {finding.rule.rule for finding in check(clean, params, project, None).findings}
    assert "common-class-everywhere" not in rules
    assert "rare-class-everywhere" in rules


def test_thresholds_stand_in_the_descriptions(params):
    """What people read names the figures of params.yaml."""
    suites = read_suites(PROJECT / "gx", suite_parameters(params))
    says = {rule.rule: rule.says for suite in suites for rule in suite.rules}
    assert says["year-plausible"] == "Every year lies between 1000 and 2030"
    assert not any("{" in text for text in says.values())


def test_ceiling_is_above_the_loudest_possible_cell(params):
    """The bound on levels follows from n_fft: 60 dB for a full-scale constant at 2048, and 20 dB of headroom."""
    assert suite_parameters(params)["loudest_db"] == pytest.approx(80.2)
