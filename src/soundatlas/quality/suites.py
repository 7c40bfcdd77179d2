"""The committed suites: JSON files in `gx/expectations/` that a user edits by hand.

A file says what must hold; the thresholds come from `params.yaml`, as Great Expectations' own `$PARAMETER` in
`kwargs` and as `{parameter}` in a description. Beside Great Expectations' own keys:

- `description` is the sentence that people read;
- `severity` is `critical` (an error: the line stops) or `warning`;
- `meta.rule` is the rule's name in reports, unique in its suite;
- `meta.show` lists the columns that a report shows of an offender, where the checked one does not say enough.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.errors import SoundatlasError
from soundatlas.quality.facts import FACTS, class_limits
from soundatlas.tables import ML_USES, SIDES

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params

GX_FOLDER = "gx"
SUITES_FOLDER = "expectations"
SEVERITIES = {"critical": "error", "warning": "warning"}
HEADROOM_DB = 20.0
COLUMN_KEYS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class Rule:
    """One expectation, as far as reports need it.

    Attributes:
        suite: the name of its suite.
        rule: its name.
        says: what must hold, in plain words, with the thresholds filled in.
        severity: `error` or `warning`.
        show: the columns of facts that say why a row offends.
    """

    suite: str
    rule: str
    says: str
    severity: str
    show: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """A suite as read: its rules in order, and the JSON with descriptions filled in."""

    name: str
    rules: tuple[Rule, ...]
    content: dict[str, Any]


def suite_parameters(params: Params) -> dict[str, Any]:
    """Return what a suite may refer to as `$PARAMETER`.

    `loudest_db`: log-mel is 10 log10 of power against a reference of 1.0. A Hann window of n_fft samples sums to
    n_fft / 2, so a full-scale constant gives 20 log10(n_fft / 2) = 60.2 dB at n_fft 2048, a full-scale sine 6 dB
    less, and mel weights only lower it. 20 dB above that is out of reach for samples within +-1, even after the
    overshoot of a lossy decoder; samples on an integer scale land 90 dB above and are caught.
    """
    limits = params.validate_
    permitted = params.train.i_have_permission_to_train_on_restricted_content
    return {
        **limits.model_dump(),
        **class_limits(params),
        "loudest_db": round(20 * math.log10(params.spectrograms.n_fft / 2) + HEADROOM_DB, 1),
        "ml_uses": list(ML_USES),
        "refused_uses": [] if permitted else ["restricted"],
        "sides": list(SIDES),
    }


def read_suites(gx_folder: Path, parameters: dict[str, Any]) -> list[Suite]:
    """Read the suite of every table of facts.

    Raises:
        SoundatlasError: when a file is missing, is no JSON, or holds what this project cannot evaluate.
    """
    folder = gx_folder / SUITES_FOLDER
    if strangers := sorted({path.stem for path in folder.glob("*.json")} - set(FACTS)):
        raise SoundatlasError(f"{_file(strangers[0])}: no table of facts has that name; there are {', '.join(FACTS)}")
    return [_read_suite(folder / f"{name}.json", name, parameters) for name in FACTS]


def _read_suite(path: Path, name: str, parameters: dict[str, Any]) -> Suite:
    """Read one suite and fill its thresholds into its descriptions."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        expectations = content["expectations"]
        rules = tuple(_read_rule(name, expectation, parameters) for expectation in expectations)
    except FileNotFoundError:
        raise SoundatlasError(f"{_file(name)} is missing: restore it with `git checkout gx`") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SoundatlasError(f"{_file(name)} is not JSON: {error}") from None
    except (KeyError, TypeError) as error:
        raise SoundatlasError(f"{_file(name)}: an expectation lacks a key or has a wrong one: {error}") from None
    names = [rule.rule for rule in rules]
    if twice := sorted({one for one in names if names.count(one) > 1}):
        raise SoundatlasError(f"{_file(name)}: the rule {twice[0]!r} stands there twice")
    filled = [{**expectation, "description": rule.says} for expectation, rule in zip(expectations, rules, strict=True)]
    return Suite(name=name, rules=rules, content={**content, "name": name, "expectations": filled})


def _read_rule(suite: str, expectation: dict[str, Any], parameters: dict[str, Any]) -> Rule:
    """Read one expectation."""
    kwargs, meta = expectation["kwargs"], expectation["meta"]
    rule = meta["rule"]
    severity = expectation.get("severity", "critical")
    if severity not in SEVERITIES:
        raise SoundatlasError(f"{_file(suite)}: {rule}: severity is {severity!r}, not {' or '.join(SEVERITIES)}")
    asked = [value["$PARAMETER"] for value in kwargs.values() if isinstance(value, dict) and "$PARAMETER" in value]
    if unknown := [name for name in asked if name not in parameters]:
        raise SoundatlasError(
            f"{_file(suite)}: {rule}: no parameter {unknown[0]!r}; there are {', '.join(sorted(parameters))}"
        )
    columns = [kwargs[key] for key in COLUMN_KEYS if key in kwargs]
    return Rule(
        suite=suite,
        rule=rule,
        says=_filled(expectation["description"], parameters),
        severity=SEVERITIES[severity],
        show=tuple(meta.get("show", columns)),
    )


def _filled(description: str, parameters: dict[str, Any]) -> str:
    """Return a description with `{parameter}` replaced by its value; other braces stay."""

    def value_of(match: re.Match[str]) -> str:
        value = parameters.get(match[1], match[0])
        return ", ".join(value) if isinstance(value, list) else str(value)

    return re.sub(r"\{(\w+)\}", value_of, description)


def _file(suite: str) -> str:
    return f"{GX_FOLDER}/{SUITES_FOLDER}/{suite}.json"
