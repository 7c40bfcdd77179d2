"""The report: what passes, what stops, what is recorded, and what a run leaves alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pandas as pd
import pytest
from project_files import PROJECT
from rich.console import Console

from soundatlas.errors import DataRefusedError, SoundatlasError
from soundatlas.quality.report import check
from soundatlas.quality.screen import print_report, summarise
from soundatlas.stages.validate import run

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def project(tmp_path, clean, write_project):
    """A project with the committed suites and clean tables."""
    shutil.copytree(PROJECT / "gx", tmp_path / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    write_project(clean, tmp_path)
    return tmp_path


@pytest.fixture
def docs(tmp_path):
    """An empty folder for Data Docs."""
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def tree_hash(folder):
    """Return a hash of names and contents of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def test_clean_catalogue_passes(clean, params):
    """Data that breaks no rule passes, and every committed rule of every suite was evaluated."""
    report = check(clean, params, PROJECT, None)
    assert report.passed
    assert [finding.rule.rule for finding in report.findings if not finding.success] == []
    committed = {
        (path.stem, expectation["meta"]["rule"])
        for path in (PROJECT / "gx/expectations").glob("*.json")
        for expectation in json.loads(path.read_text(encoding="utf-8"))["expectations"]
    }
    assert {(finding.rule.suite, finding.rule.rule) for finding in report.findings} == committed


def test_stage_writes_report_offenders_and_data_docs(project, params, capsys):
    """The stage leaves a report that passed, an empty list of offenders and Data Docs that name every suite."""
    run(project, params)
    report = json.loads((project / "data/validation/report.json").read_text(encoding="utf-8"))
    assert report["passed"] is True
    assert report["counts"]["rows"]["tracks"] == 80
    assert pd.read_parquet(project / "data/validation/offenders.parquet").empty
    index = (project / "data/data_docs/index.html").read_text(encoding="utf-8")
    screen = capsys.readouterr().out
    for suite in ("catalog", "labels", "trained_labels", "spectrograms", "split", "classes"):
        assert suite in index
        assert suite in screen


def test_warnings_do_not_stop_the_line(project, clean, change, write_project, params):
    """A warning is recorded with its offenders, and the stage ends well."""
    write_project(change(clean, "manifest", 0, duration_seconds=14.0), project)
    run(project, params)
    report = json.loads((project / "data/validation/report.json").read_text(encoding="utf-8"))
    assert report["passed"] is True
    assert report["counts"]["warnings"] == 1
    [warning] = [one for one in report["expectations"] if not one["success"]]
    assert (warning["severity"], warning["offender_count"]) == ("warning", 1)
    assert warning["offenders"] == [
        {
            "name": "demo:bach-00",
            "track_id": "demo:bach-00",
            "path": "data/catalog/audio/bach-00.wav",
            "title": "Piece 0",
            "artist": "bach",
            "detail": "duration seconds 14; catalogue seconds 15",
        }
    ]


def test_errors_stop_the_line_and_the_report_is_still_written(project, clean, change, write_project, params):
    """An error ends the stage in one line that names an offender, after writing report and Data Docs."""
    write_project(change(clean, "tracks", [0, 1], licence=None), project)
    with pytest.raises(DataRefusedError) as caught:
        run(project, params)
    message = str(caught.value)
    assert message.startswith(
        "validation: 1 error, e.g. catalog: 'Every track has a licence' does not hold (demo:bach-00"
    )
    assert message.endswith("see data/data_docs/index.html")
    assert json.loads((project / "data/validation/report.json").read_text(encoding="utf-8"))["passed"] is False
    offenders = pd.read_parquet(project / "data/validation/offenders.parquet")
    assert offenders["track_id"].tolist() == ["demo:bach-00", "demo:bach-01"]
    assert set(offenders["severity"]) == {"error"}
    assert "Every track has a licence" in (project / "data/data_docs/index.html").read_text(encoding="utf-8")


def test_report_is_the_same_wherever_and_whenever_it_is_made(clean, change, write_project, params, tmp_path):
    """Equal data give byte-equal reports in two folders: no time, no path of the machine."""
    broken = change(change(clean, "tracks", 0, year=3000.0), "split", 0, side="test")
    written = []
    for name in ("here", "there"):
        root = tmp_path / name
        shutil.copytree(PROJECT / "gx", root / "gx", ignore=shutil.ignore_patterns("uncommitted"))
        write_project(broken, root)
        with pytest.raises(DataRefusedError):
            run(root, params)
        written.append({path.name: path.read_bytes() for path in (root / "data/validation").iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"report.json", "offenders.parquet"}
    assert str(tmp_path).encode() not in written[0]["report.json"]


def test_running_changes_no_committed_file(clean, params, docs):
    """Great Expectations works on a copy: gx/ stays as it is."""
    before = tree_hash(PROJECT / "gx")
    check(clean, params, PROJECT, docs)
    assert tree_hash(PROJECT / "gx") == before


def test_data_docs_hold_no_dead_link_between_suites(clean, params, docs):
    """The first page leads to a page of outcomes and a page of rules for every suite."""
    check(clean, params, PROJECT, docs)
    index = (docs / "index.html").read_text(encoding="utf-8")
    links = [part.split('"')[0] for part in index.split('href="')[1:]]
    assert len(links) == 2 * 6 + 1
    assert all((docs / link).is_file() for link in links)


def test_hostile_names_are_inert_in_data_docs(clean, change, params, docs):
    """Titles, paths, classes and sides that hold markup appear as text, never as markup."""
    named = {"title": HOSTILE, "artist": f"{HOSTILE}b", "licence": None, "path": f"/{HOSTILE}", "ml_use": HOSTILE}
    tables = change(change(clean, "tracks", 0, **named), "split", 0, side=HOSTILE, group=HOSTILE)
    tables = replace(tables, tracks=tables.tracks.assign(tempo_bpm=[HOSTILE, *["1"] * 79]))
    report = check(tables, params, PROJECT, docs)
    assert not report.passed
    pages = [path.read_text(encoding="utf-8") for path in docs.rglob("*.html")]
    assert not any(HOSTILE in page for page in pages)
    assert any("&lt;script&gt;alert(1)" in page for page in pages)


def test_hostile_names_are_inert_on_the_terminal(clean, change, params):
    """Console markup and escape sequences in a title are shown, not obeyed."""
    tables = change(clean, "tracks", 0, title="[red]x[/] \x1b[2J", licence=None)
    report = check(tables, params, PROJECT, None)
    screen = StringIO()
    print_report(report, Console(file=screen, width=200, force_terminal=True))
    assert "[red]x[/]" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
    assert "\x1b" not in summarise(report)


def test_missing_table_says_what_to_run(project, params):
    """Without an input the stage names it and what to run."""
    (project / "data/split/split.parquet").unlink()
    with pytest.raises(SoundatlasError, match=r"split\.parquet is missing: run `dvc repro`"):
        run(project, params)


def test_stage_ends_with_one_line_and_exit_code_1_on_errors(project, clean, change, write_project):
    """As DVC runs it: exit code 1, the table on standard output, the reason as the last line of standard error."""
    write_project(change(clean, "tracks", 0, licence=None), project)
    (project / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    shutil.copy(PROJECT / "params.yaml", project)
    done = subprocess.run(
        [sys.executable, "-m", "soundatlas.stages.validate"],
        cwd=project,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "demo:bach-00" in done.stdout
    assert done.stderr.strip().splitlines()[-1].startswith("soundatlas: validation:")
    assert "Traceback" not in done.stderr
