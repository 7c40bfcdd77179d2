"""Faults of `params.yaml` in words: one line that names the key, what is wrong, and what stands there."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from ruamel.yaml.error import MarkedYAMLError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def yaml_fault(error: Exception) -> str:
    """Say in one line what is wrong with a file that is not YAML, and where."""
    text = str(error)
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        problem = error.problem.partition(" with value ")[0]  # of a duplicate key: the values may be pages long
        text = f"line {error.problem_mark.line + 1}: {problem}"
    return " ".join(text.split())


def first_fault(error: ValidationError, values: Any) -> str:
    """Say the first fault in one line: the key, what is wrong, and what stands there.

    An unknown key comes before a missing one: a misspelt key is both, and the unknown one shows the slip.
    """
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return " ".join(f"{_fault(faults[0], values)}{more}".split())


def _fault(fault: ErrorDetails, values: Any) -> str:
    key, context = _dotted_key(fault["loc"], values), fault.get("ctx", {})
    message, found = fault["msg"].removeprefix("Value error, "), reprlib.repr(fault["input"])
    kind = str(context.get("discriminator", "")).strip("'")
    wish = message[max(message.find("should"), 0) :].partition(" after validation")[0]
    match fault["type"]:
        case "missing":
            said = f"{key} is missing"
        case "extra_forbidden" | "invalid_key":
            said = f"{key} is not a known key"
        case "value_error":  # a section's own check: its message starts with the key within the section
            said = f"{key}.{message}" if key else message
        case "union_tag_not_found":
            said = f"{key}.{kind} is missing"
        case "union_tag_invalid":
            said = f"{key}.{kind} should be one of {context['expected_tags']}, not {context['tag']!r}"
        case "model_type" | "model_attributes_type" | "dict_type":
            said = f"{key or 'the top level'} should be a mapping, not {found}"
        case _ if fault["loc"][-1:] == ("[key]",):
            said = f"{key} is not a known key: it {wish}"
        case _:
            said = f"{key} {wish}, not {found}"
    return said


def _dotted_key(location: tuple[int | str, ...], values: Any) -> str:
    """Write a fault's location as a path through the file, without what pydantic adds: `[key]`, a union's member."""
    parts = [part for part in location if part != "[key]"]
    path = []
    for depth, part in enumerate(parts, start=1):
        try:
            values = values[part]
        except (LookupError, TypeError):
            if depth < len(parts) or (isinstance(values, dict) and part in [*values.values()]):  # a union's member
                continue
        path.append(str(part))
    return ".".join(path)
