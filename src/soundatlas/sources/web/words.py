"""Text that a service sends, made fit for a table: short, printable, and whole UTF-8."""

from __future__ import annotations

import re
from typing import Any

from soundatlas.sources.tags import parse_isrc

LONGEST_CHARACTERS = 500
DATE = re.compile(r"([0-9]{4})(-[0-9]{2}){0,2}")
FIRST_YEAR, LAST_YEAR = 1000, 2100  # a service writes 0000 where it knows none


def clean_text(value: Any) -> str | None:
    """Return text without control characters and half characters, at most 500 long; None where there is none."""
    if not isinstance(value, str):
        return None
    whole = value[:LONGEST_CHARACTERS].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else " " for character in whole).strip() or None


def clean_isrc(value: Any) -> str | None:
    """Return an International Standard Recording Code without hyphens, or None where it is none (ISO 3901)."""
    return parse_isrc(value) if isinstance(value, str) and value.isascii() else None


def year_of(date: Any) -> int | None:
    """Return the year of a date such as "1997-05-21", "1997-05" or "1997"; None where there is none."""
    found = DATE.fullmatch(date) if isinstance(date, str) else None
    year = int(found[1]) if found else 0
    return year if FIRST_YEAR <= year <= LAST_YEAR else None
