"""What a run leaves in the Prefect UI, read back from a real server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.artifacts import (
    markdown_table,
    publish_gate,
    publish_metrics,
    publish_models,
    publish_move,
    publish_predictions,
    publish_validation,
    read_metrics,
    read_predictions,
)
from soundatlas.files import write_json
from soundatlas.registry.comparison import VersionRow
from soundatlas.registry.ledger import BEGINNING, Event, Version, now, seal
from soundatlas.registry.story import ModelStory

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")

STORY = ModelStory("soundatlas", "c" * 64, "1", "run1", "brave-otter", "3", "promoted", "better by far", "3")


def published(key: str) -> str:
    """Return the text of the newest artifact with this key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC, limit=1
        )
    return str(found[0].data)


def metrics(artist: float) -> dict[str, Any]:
    """Return what `evaluate` writes, in small."""
    figures = {"macro_f1": artist, "macro_f1_low": artist - 0.1, "macro_f1_high": artist + 0.1}
    about = {"tracks": 66, "split": "test, grouped by work", "seeds": 1, "confidence": 0.95, "interval": "bootstrap"}
    return {
        "about": about,
        "classes": {"artist": figures},
        "attributes": {"tempo_bpm": {"r2": 0.2, "r2_low": 0.1, "r2_high": 0.3}},
        "baselines": {"mfcc_logistic_regression": {"artist": {"macro_f1": 0.37}}},
    }


def write_predictions(root: Path, **genres: str) -> None:
    """Write predictions as `classify` does, in small."""
    rows = [f"{path}.wav,classified,{genre},0.9" for path, genre in genres.items()]
    folder = root / "data/predictions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictions.csv").write_text("\n".join(["path,status,genre,genre_confidence", *rows]) + "\n")


def test_a_table_shows_names_as_text() -> None:
    """Pipes, markup, links and line breaks from file names neither break the table nor do anything in a browser."""
    table = markdown_table(["name"], [["a|b <script>x</script> [l](http://e) `c`\nd"]])
    assert table.splitlines()[2] == (r"| a\|b &lt;script&gt;x&lt;/script&gt; \[l\](http://e) \`c\` d |")
    assert len(table.splitlines()) == 3


def test_metrics_stand_beside_those_before(tmp_path: Path) -> None:
    """Each score has its interval, the change, what it was, and the baseline; the split and the seeds are named."""
    write_json(tmp_path / "data/evaluation/metrics.json", metrics(0.5))
    publish_metrics(read_metrics(tmp_path), metrics(0.4), "the run before")
    text = published("metrics")
    assert "66 tracks, split test, grouped by work; 1 seed; 95% interval" in text
    assert "| artist | macro F1 | **0.500** \\[0.40, 0.60\\] | +0.100 | 0.400 | 0.370 |" in text
    assert "| tempo_bpm | R2 | **0.200** \\[0.10, 0.30\\] | +0.000 | 0.200 |  |" in text


def test_the_first_metrics_compare_with_nothing(tmp_path: Path) -> None:
    """Without a run before, the columns are empty and no figure is made up."""
    assert read_metrics(tmp_path) is None
    publish_metrics(metrics(0.5), None, "the run before")
    assert "| artist | macro F1 | **0.500** \\[0.40, 0.60\\] |  |  | 0.370 |" in published("metrics")


def test_scores_link_to_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pages are served, a link leads to the contact sheets and the other figures."""
    monkeypatch.setenv("SOUNDATLAS_PAGES", "http://127.0.0.1:8088")
    publish_metrics(metrics(0.5), None, "the run before")
    assert published("metrics").endswith("[Figures and contact sheets](http://127.0.0.1:8088/)")


def test_validation_lists_what_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts, the rules that do not hold with their offenders, and a link to Data Docs where they are served."""
    found = {
        "success": False,
        "severity": "warning",
        "says": "Every class has enough",
        "observed": "1 of 9",
        "offender_count": 7,
        "offenders": [{"name": f"genre: {number}", "detail": "train 3"} for number in range(6)],
    }
    report = {"counts": {"expectations": 9, "errors": 0, "warnings": 1}, "expectations": [found, {"success": True}]}
    write_json(tmp_path / "data/validation/report.json", report)
    publish_validation(tmp_path)
    text = published("validation")
    assert "9 rules: 0 errors, 1 warnings" in text
    assert "| warning | Every class has enough | 1 of 9 | genre: 0 (train 3)" in text
    assert "…" in text
    assert "`data/data_docs/index.html`" in text
    monkeypatch.setenv("SOUNDATLAS_PAGES", "http://127.0.0.1:8088")
    publish_validation(tmp_path)
    assert "(http://127.0.0.1:8088/data-docs/)" in published("validation")


def test_the_gate_and_its_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision with its reason; links to run and version where MLflow is served."""
    monkeypatch.setenv("SOUNDATLAS_MLFLOW_UI", "http://127.0.0.1:5000")
    publish_gate(STORY)
    assert "| decision | promoted |" in published("gate")
    assert "| reason | better by far |" in published("gate")
    assert "report" not in published("gate")
    assert "(http://127.0.0.1:5000/#/experiments/1/runs/run1)" in published("mlflow-run")
    assert "(http://127.0.0.1:5000/#/models/soundatlas/versions/3)" in published("registered-version")


def test_the_gate_shows_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check with its answer, both models' F1 per class, and a link to the page; names are text."""
    monkeypatch.setenv("SOUNDATLAS_MLFLOW_UI", "http://127.0.0.1:5000")
    report = {
        "figures": {"rival_name": "the champion"},
        "checks": [{"name": "gain", "passed": False, "says": "gain [x] 0.1"}],
        "classes": [{"head": "genre", "class": "<b>air</b>", "tracks": 12, "challenger": 0.5, "rival": 0.25}],
    }
    publish_gate(replace(STORY, report=report, report_page="run0/artifacts/gate/soundatlas-v3/report.html"))
    text = published("gate")
    assert r"| gain | failed | gain \[x\] 0.1 |" in text
    assert "| genre | &lt;b&gt;air&lt;/b&gt; | 12 | 0.50 | 0.25 |" in text
    assert "(http://127.0.0.1:5000/#/experiments/1/runs/run0/artifacts/gate/soundatlas-v3/report.html)" in text


def test_versions_stand_side_by_side() -> None:
    """The table that `soundatlas models` prints, a column a version."""
    rows = [
        VersionRow("2", "b" * 64, True, "promoted", "r", "t", "w", {}, None, {"train.epochs": "8"}, None, 2.0, "s"),
        VersionRow("1", "a" * 64, False, None, None, None, None, {}, None, {"train.epochs": "4"}, 1.5, None, "r"),
    ]
    publish_models(rows)
    table = {row[""]: row for row in json.loads(published("models"))}
    assert table["train.epochs"] == {"": "train.epochs", "version 2": "8", "version 1": "4"}
    assert table["content"]["version 1"] == "a" * 12


def test_a_move_says_who_and_why() -> None:
    """What somebody did to the champion, as the history has it."""
    one = Version("1", "a" * 64)
    about = {"gate_report": None, "gate_report_sha256": None, "git_commit": None, "dvc_lock_sha256": None}
    entry = seal(
        sequence=4, time=now(), who="Ann", model="m", event=Event.ROLLED_BACK, before=Version("3", None), after=one,
        subject=one, why="a | b", previous=BEGINNING, **about,
    )  # fmt: skip
    publish_move(entry)
    text = published("champion")
    assert "| champion | version 1 |" in text
    assert r"| why | a \| b |" in text
    assert f"4, {entry.sha256}" in text


def test_predictions_that_changed_come_first(tmp_path: Path) -> None:
    """A file that has another label than before shows both, before new files and those that stayed."""
    write_predictions(tmp_path, a="reel", b="reel")
    before = read_predictions(tmp_path)
    write_predictions(tmp_path, a="reel", b="jig", c="air")
    publish_predictions(tmp_path, before)
    lines = published("predictions").splitlines()
    assert lines[0] == "3 files: 1 new, 1 with other labels than before."
    assert lines[4:] == [
        "| b.wav | reel → **jig** | classified |",
        "| c.wav | air | classified |",
        "| a.wav | reel | classified |",
    ]


def test_an_empty_inbox_says_so(tmp_path: Path) -> None:
    """No file is no fault: the artifact says what to do."""
    write_predictions(tmp_path)
    publish_predictions(tmp_path, {})
    assert "The inbox is empty" in published("predictions")
