"""Overrides of `params.yaml` for one experiment: `train.epochs=4`, checked as the file itself is."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from soundatlas.errors import ParamsError
from soundatlas.params import load_params, parse_params

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check_overrides(path: Path, overrides: Sequence[str]) -> list[str]:
    """Check overrides against `params.yaml`, and write them as `dvc exp run --set-param` reads them.

    Args:
        path: of `params.yaml`; it is only read.
        overrides: each `KEY=VALUE`; the key is a path such as `train.epochs` or `catalog.sources.0.clips.bach`, the
            value is YAML such as `4`, `[8, 16]` or `album`.

    Returns:
        the same in Hydra's grammar, for example `split.group='album'`.

    Raises:
        ParamsError: one line that names the key: it is unknown, named twice, or its value cannot be.
    """
    load_params(path)  # so that what follows is the overrides' fault
    values = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    changed, written, seen = copy.deepcopy(values), [], set()
    for override in overrides:
        key, equals, text = override.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ParamsError(f"override {override!r} is not KEY=VALUE, such as train.epochs=4")
        if not key.isprintable():
            raise ParamsError(f"override {key!r} is not a key of params.yaml")
        if key in seen:
            raise ParamsError(f"override {key}: given twice")
        seen.add(key)
        value = _parse(key, text)
        _replace(changed, key, value)
        written.append(f"{key}={_hydra(key, value)}")
    parse_params(changed, "override")
    return written


def _parse(key: str, text: str) -> Any:
    try:
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError, LookupError) as error:
        said = " ".join(str(error).split())
        raise ParamsError(f"override {key}: {text.strip()!r} is not a YAML value: {said[:200]}") from None


def _replace(values: Any, key: str, value: Any) -> None:
    """Put a value at a path that is there already."""
    parts, place = key.split("."), values
    for depth, part in enumerate(parts):
        if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
            step: Any = int(part)
        elif isinstance(place, dict) and part in place:
            step = part
        else:
            raise ParamsError(f"override {key}: {'.'.join(parts[: depth + 1])} is not a key of params.yaml")
        if depth == len(parts) - 1:
            place[step] = value
        else:
            place = place[step]


def _hydra(key: str, value: Any) -> str:
    """Write a value in Hydra's grammar, strings quoted, so that nothing in them is read as anything else."""
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return json.dumps(value)
        case str():
            if "\\" in value or "$" in value or "\n" in value:
                raise ParamsError(f"override {key}: backslash, dollar and line breaks cannot be passed to DVC")
            return "'" + value.replace("'", "\\'") + "'"
        case list():
            return "[" + ",".join(_hydra(key, item) for item in value) + "]"
        case dict():
            return "{" + ",".join(f"{name}:{_hydra(key, item)}" for name, item in value.items()) + "}"
    raise ParamsError(f"override {key}: a {type(value).__name__} cannot be passed to DVC")
