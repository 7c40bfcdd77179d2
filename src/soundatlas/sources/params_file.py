"""Listing a source in `params.yaml`, whose comments and order stay as they are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from soundatlas.errors import ParamsError
from soundatlas.files import write_text
from soundatlas.params import parse_params

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.source_params import SourceParams

WIDTH = 1000  # no line is broken


def source_line(source: SourceParams) -> str:
    """Return a source as one line of YAML, such as `{source: folder, path: /home/anna/Music}`."""
    text = io.StringIO()
    yaml = YAML()
    yaml.width = WIDTH
    yaml.dump([_mapping(source)], text)
    return text.getvalue().strip().removeprefix("- ")


def add_source(path: Path, source: SourceParams) -> None:
    """Put a source at the end of `catalog.sources`, where all that stood there before stays as it was.

    Raises:
        ParamsError: when the result would not hold; nothing was written.
    """
    write_text(path, with_source(path, source))


def with_source(path: Path, source: SourceParams) -> str:
    """Return what `params.yaml` would hold with a source at the end of `catalog.sources`.

    Raises:
        ParamsError: when the result would not hold.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    values = YAML().load(text)
    try:
        sources = values["catalog"]["sources"]
        first, column = sources.lc.item(0)
    except (KeyError, TypeError, AttributeError):
        raise ParamsError(f"{path.name} has no list catalog.sources: add - {source_line(source)} by hand") from None
    if sources.fa.flow_style():
        raise ParamsError(f"catalog.sources of {path.name} is written in one line: add {source_line(source)} by hand")
    margin = " " * (column - 2)
    end = first
    while end < len(lines) and (
        not lines[end].strip()
        or lines[end].startswith((f"{margin}- ", f"{margin}  "))
        or (lines[end].lstrip().startswith("#") and lines[end].startswith(margin))
    ):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    changed = "".join([*lines[:end], f"{margin}- {source_line(source)}\n", *lines[end:]])
    parse_params(YAML(typ="safe").load(changed), path.name)
    return changed


def _mapping(source: SourceParams) -> CommentedMap:
    values: dict[str, Any] = source.model_dump(mode="json", exclude_defaults=True)
    mapping = CommentedMap({"source": source.source, **values})
    mapping.fa.set_flow_style()
    return mapping
