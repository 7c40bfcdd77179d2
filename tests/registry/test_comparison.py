"""Versions side by side, and the same figures where MLflow's own pages show them."""

from __future__ import annotations

import pytest

from soundatlas.registry.comparison import compare_versions, describe_version, differing_params, interval_text
from soundatlas.registry.gate import Verdict
from soundatlas.registry.succession import Succession

NAME = "soundatlas"


def judge(registry, number: str, *, promoted: bool, milliseconds: float | None = None) -> None:
    """Let the gate decide on a version as it is told to."""
    verdict = Verdict(promoted, f"about {number}", {"clip_milliseconds": milliseconds})
    Succession(registry).judge(registry.version(number), lambda _: verdict)


def test_versions_and_what_became_of_them(registry):
    """The newest first: scores with intervals, data, parameters, decision, and when and why each was champion."""
    judge(registry, "1", promoted=True)
    judge(registry, "2", promoted=False)
    second, first = compare_versions(registry)
    assert (first.version, first.is_champion, first.decision, first.reason) == ("1", True, "promoted", "about 1")
    assert (first.champion_because, second.champion_because) == ("promoted: about 1", None)
    assert (second.is_champion, second.decision) == (False, "refused")
    assert interval_text(first.scores["genre"]) == "0.50 [0.40, 0.60]"
    assert first.data_sha256 == second.data_sha256
    assert first.params["train.epochs"] == "2"


def test_mlflow_has_the_same_figures(registry):
    """Size, time, data and scores are tags of the version and metrics of its run, written once."""
    judge(registry, "2", promoted=True, milliseconds=12.345)
    describe_version(registry, registry.version("2"), ["genre", "nonsense"])
    version = registry.version("2")
    assert (version.tags["ms_per_clip"], version.tags["macro_f1_genre"]) == ("12.3", "0.50 [0.40, 0.60]")
    assert "macro_f1_nonsense" not in version.tags
    metrics = registry.client.get_run(version.run_id).data.metrics
    assert metrics["ms_per_clip"] == 12.345
    assert metrics["bundle_megabytes"] == pytest.approx(float(version.tags["bundle_megabytes"]), rel=0.01)
    row = compare_versions(registry)[0]
    assert (row.milliseconds, row.data_sha256) == (12.3, version.tags["data_sha256"])
    registry.client.set_model_version_tag(NAME, "2", "ms_per_clip", "1")
    describe_version(registry, registry.version("2"), ["genre"])
    assert registry.version("2").tags["ms_per_clip"] == "1"


def test_a_number_that_is_given_away_again(registry, root):
    """Where somebody deleted the whole model, the next version 1 does not inherit what its namesake was."""
    judge(registry, "1", promoted=True)
    run = registry.version("2").run_id
    registry.client.delete_registered_model(NAME)
    registry.register(root / "data/model", run)
    [row] = compare_versions(registry)
    assert (row.version, row.champion_since, row.champion_because) == ("1", None, None)


def test_a_version_whose_run_was_deleted_for_good(registry):
    """It keeps its row, with what its tags and the history know."""
    judge(registry, "1", promoted=True)
    judge(registry, "2", promoted=False)
    run = registry.version("1").run_id
    registry.client.delete_run(run)
    registry.client._tracking_client.store._hard_delete_run(run)
    second, first = compare_versions(registry)
    assert (first.decision, first.champion_because, first.scores, first.params) == (
        "promoted",
        "promoted: about 1",
        {},
        {},
    )
    describe_version(registry, registry.version("1"), ["genre"])
    assert differing_params([second, first]) == []
