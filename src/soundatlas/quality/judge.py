"""Great Expectations over the tables of facts: the outcomes, and Data Docs to look at them.

The file context is a throw-away copy of `gx/`, because Great Expectations writes into the folder that it opens:
a run changes no committed file, and two runs at once do not meet.
"""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.errors import SoundatlasError
from soundatlas.quality.findings import Finding, describe_offender, find
from soundatlas.quality.front_page import write_front_page
from soundatlas.quality.suites import GX_FOLDER, SUITES_FOLDER
from soundatlas.quality.timeless import RUN_TIME, make_timeless

if TYPE_CHECKING:
    import pandas as pd

    from soundatlas.quality.suites import Rule, Suite

DATA_DOCS = Path("uncommitted/data_docs")  # where great_expectations.yml has the site built
SHOWN_IN_DATA_DOCS = 20


def judge(
    facts: dict[str, pd.DataFrame],
    suites: list[Suite],
    parameters: dict[str, Any],
    gx_folder: Path,
    docs_folder: Path | None,
) -> list[Finding]:
    """Evaluate every rule of every suite, and build Data Docs.

    Args:
        facts: the table of each suite.
        suites: what `read_suites` returned.
        parameters: what `suite_parameters` returned.
        gx_folder: the committed file context; only read.
        docs_folder: an existing folder that receives `index.html` and all that it needs; None builds no Data Docs.

    Returns:
        one finding per rule, in the order of the suites.

    Raises:
        SoundatlasError: when Great Expectations does not accept a suite.
    """
    with tempfile.TemporaryDirectory(prefix="soundatlas-gx-") as scratch:
        context = _open_copy(gx_folder, Path(scratch) / GX_FOLDER, suites)
        source = context.data_sources.add_pandas("soundatlas")
        findings: list[Finding] = []
        for suite in suites:
            loaded = _load(context, suite)
            table = facts[suite.name].reset_index(drop=True)
            asset = source.add_dataframe_asset(suite.name)
            batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
            outcome = batch.validate(
                loaded, result_format={"result_format": "COMPLETE"}, expectation_parameters=parameters
            )
            by_rule = {one.expectation_config.meta["rule"]: one for one in outcome.results}
            found = [find(rule, table, by_rule[rule.rule]) for rule in suite.rules]
            findings += found
            if docs_folder:
                _store(context, suite.name, outcome, {finding.rule.rule: finding for finding in found})
        if docs_folder:
            context.build_data_docs()
            shutil.copytree(Path(context.root_directory) / DATA_DOCS, docs_folder, dirs_exist_ok=True)
            write_front_page(docs_folder, findings)
            make_timeless(docs_folder)
    return findings


def _open_copy(gx_folder: Path, copy: Path, suites: list[Suite]) -> Any:
    """Copy the file context, put the filled-in suites into the copy, and open it."""
    import great_expectations

    shutil.copytree(gx_folder, copy, ignore=shutil.ignore_patterns("uncommitted"))
    for suite in suites:
        expectations = [
            {**expectation, "description": _badged(rule)}
            for expectation, rule in zip(suite.content["expectations"], suite.rules, strict=True)
        ]
        content = {**suite.content, "expectations": expectations}
        (copy / SUITES_FOLDER / f"{suite.name}.json").write_text(json.dumps(content), encoding="utf-8")
    return great_expectations.get_context(mode="file", context_root_dir=copy)


def _badged(rule: Rule) -> str:
    """Return what a rule says and how bad it is if not, as Data Docs put it into the page: as HTML."""
    return f'{html.escape(rule.says)} <span class="badge badge-secondary">else {rule.severity}</span>'


def _load(context: Any, suite: Suite) -> Any:
    """Load a suite, and refuse one of which Great Expectations drops or renames a rule (it only logs that)."""
    from great_expectations.exceptions import GreatExpectationsError
    from marshmallow.exceptions import ValidationError

    try:
        loaded = context.suites.get(suite.name)
    except (GreatExpectationsError, ValidationError, ValueError) as error:
        raise SoundatlasError(
            f"{GX_FOLDER}/{SUITES_FOLDER}/{suite.name}.json is not accepted: {' '.join(str(error).split())}"
        ) from None
    kept = {expectation.meta["rule"] for expectation in loaded.expectations}
    if dropped := [rule.rule for rule in suite.rules if rule.rule not in kept]:
        raise SoundatlasError(f"{GX_FOLDER}/{SUITES_FOLDER}/{suite.name}.json: {dropped[0]}: not an expectation")
    return loaded


def _store(context: Any, suite: str, outcome: Any, findings: dict[str, Finding]) -> None:
    """Store a suite's outcome for Data Docs, in readable form and with nothing in it that a browser would run.

    Data Docs write values of the data into the page as they are, so the values are escaped here.
    """
    from great_expectations.core import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    for one in outcome.results:
        finding = findings[one.expectation_config.meta["rule"]]
        one.result = _presentable(one.result, finding)
        one.exception_info = {
            "raised_exception": finding.broken,
            "exception_message": html.escape(finding.observed),
            "exception_traceback": "",
        }
    run_id = RunIdentifier(run_name="validate", run_time=RUN_TIME)
    outcome.meta["run_id"] = run_id
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=suite), run_id=run_id, batch_identifier=suite
    )
    context.validation_results_store.set(key=key, value=outcome)


def _presentable(result: dict[str, Any], finding: Finding) -> dict[str, Any]:
    """Return the figures of a result, with offenders as lines for people and all text escaped."""
    figures: dict[str, Any] = {
        name: result[name] for name in ("element_count", "unexpected_count", "unexpected_percent") if name in result
    }
    offenders = finding.offenders.head(SHOWN_IN_DATA_DOCS)
    lines = [html.escape(describe_offender(offender)) for offender in offenders.itertuples(index=False)]
    return {**figures, "observed_value": html.escape(finding.observed), "partial_unexpected_list": lines}
